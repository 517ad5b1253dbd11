// What each member has of its own besides parameters and states: hyperparameters, and the key of its sample order.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/population.h"
#include "runtime/training_vary.h"

namespace shoal::runtime {

// Writes them into those arrays that the population has by now; `values` as varied_values gives them.
void set_member_values(Population&, const std::vector<VariedHyperparameter>&,
                       const std::vector<std::vector<float>>& values, uint64_t seed);

}  // namespace shoal::runtime
