// One program of a spec compiled without a device, as `dump` and `explain` show it.
#pragma once

#include <string>

#include "compiler/compile.h"
#include "compiler/programs/programs.h"
#include "tools/shoal/spec_file.h"

namespace shoal::command {

struct ProgramRequest {
  std::string kind = "train";  // forward, train or evaluate
  int64_t members = 0;         // 0: the spec's
  int64_t samples = 0;         // of the data set; 0: of the spec's data, or 16 batches when that cannot be read
  int64_t batch = 0;           // 0: the spec's (forward: 1)
};

Program make_program(const Spec&, const ProgramRequest&, Trace* = nullptr);

// The `shoal dump` that makes this program again from spec.json, without the data, into the folder "again".
std::string reproducing_command(const Program&, const Module&, const std::string& target);

}  // namespace shoal::command
