// A finished run, or a spec with weights, as prediction needs it: model, scaling, and a population with parameters.
#pragma once

#include <string>
#include <vector>

#include "runtime/dataset.h"
#include "runtime/io/npz.h"
#include "tools/shoal/command.h"
#include "tools/shoal/spec_file.h"

namespace shoal::command {

struct TrainedRun {
  Spec spec;
  runtime::InputScaling scaling;
  std::vector<io::NamedTensor> weights;
  std::string weights_place;
  int64_t members = 1;
};

// `path` is a run directory, or a spec when `initial` names its weights. A spec with its own scaling by statistics
// cannot be used so, because the statistics are those of its training: SpecError.
TrainedRun load_run(const std::string& path, const std::string& initial);

// --storage f32|f16|bf16: how parameters are stored, instead of what the spec says.
void add_storage_option(CLI::App& command, std::string& storage);
void apply_storage(const std::string& storage, TrainedRun&);  // of that option; empty when it was not given

}  // namespace shoal::command
