// Initial parameters: what an initializer and a member's random numbers make of a parameter.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/graph/scope.h"

namespace shoal::runtime {

// [count, shape...] of the members from first_member on, keyed by (seed, member, name, element).
std::vector<float> initial_values(const Parameter&, uint64_t seed, int64_t first_member, int64_t count);

}  // namespace shoal::runtime
