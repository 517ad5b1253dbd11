// Specs from files, and what of them the runtime wants to know.
#pragma once

#include <string>
#include <vector>

#include "frontend/json/spec.h"
#include "runtime/dataset.h"
#include "runtime/training.h"

namespace shoal::command {

Spec load_spec(const std::string& path, const std::vector<std::string>& overrides = {});

// Training and validation samples of a spec, scaled; the scaling is what predictions have to repeat.
struct SpecData {
  runtime::Dataset train;
  std::optional<runtime::Dataset> validation;
  runtime::InputScaling scaling;
};
SpecData load_spec_data(const Spec&);

// All samples of a file with the spec's columns, checked but not scaled.
runtime::Dataset load_samples(const Spec&, const std::string& file, bool with_targets);

// Samples of the training part, as far as the data can be read; 0 without data.
int64_t training_samples(const Spec&);

runtime::TrainingSettings training_settings(const Spec&);

// "digits: 64 -> dense 32, relu, dense 10; 2410 parameters; cross_entropy; adam"
std::string spec_summary(const Spec&);
int64_t parameter_count(const Spec&);

}  // namespace shoal::command
