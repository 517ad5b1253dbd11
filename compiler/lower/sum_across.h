// Sums of several rows over the lanes at once, each row's into the lane of its own.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::lower {

// Lane l of the result is the sum of rows[l] over all lanes. `lane` is the lane's number; there are at most as many
// rows as lanes, and what other lanes get is of no use.
int32_t sum_across(kernel::Builder& builder, int32_t lane, std::vector<int32_t> rows);

}  // namespace shoal::lower
