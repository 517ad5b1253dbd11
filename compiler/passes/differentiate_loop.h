// The gradient of a loop over time, taken as one unit: a loop that runs the other way.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/passes/gradients.h"

namespace shoal {

// Takes the gradients of the last and collect nodes of `loop` on to all values outside that the loop reads. `loops` is
// loop_of the graph as it was before differentiation began, and `depends` says which nodes up to the loss a gradient
// must pass.
void differentiate_loop(Scope&, int32_t loop, const std::vector<int32_t>& loops, const std::vector<bool>& depends,
                        Gradients&);

}  // namespace shoal
