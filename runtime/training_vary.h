// Hyperparameters that differ between members: the value that each member gets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shoal::runtime {

struct VariedHyperparameter {
  enum class Kind : uint8_t {
    log_uniform,  // drawn from [values[0], values[1]], uniform in the logarithm
    uniform,      // drawn from [values[0], values[1]]
    choice,       // drawn from values
    grid,         // element m of the product of all grids, the last one running fastest, repeated
    list,         // member m has values[m]
  } kind = Kind::choice;
  std::string name;  // "optimizer.lr"
  std::vector<double> values;
};

// [hyperparameter][member] for `members` members from first_member on. Throws SpecError at the hyperparameter's name
// for ranges and lists that cannot serve.
std::vector<std::vector<float>> varied_values(const std::vector<VariedHyperparameter>&, uint64_t seed,
                                              int64_t first_member, int64_t members);

}  // namespace shoal::runtime
