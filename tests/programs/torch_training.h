// A case of tests/reference/data/torch_train.json as compiled code trains it.
#pragma once

#include <map>
#include <string>

#include "compiler/graph/evaluate.h"
#include "tests/harness/mappings.h"
#include "tests/harness/run_module.h"
#include "tests/programs/model_json.h"

namespace shoal::test {

// Trained weights by name: as `executor` leaves them, and PyTorch's.
struct Trained {
  std::map<std::string, Array> got, expected;
};
Trained train_as_torch(const json& torch_case, const harness::Mapping&, const Target&, const harness::Executor&);

// What the two may differ by. The bound for f32 kernels: 1e-5 relative; 2e-6 absolute for weights that pass
// near zero.
inline constexpr double torch_atol = 2e-6, torch_rtol = 1e-5;

}  // namespace shoal::test
