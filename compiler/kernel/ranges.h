// Value ranges of a kernel's i32 values: bounds of indices, and where arithmetic provably cannot wrap.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::kernel {

// Inclusive bounds of an i32 value read as signed; the full range when nothing is known.
struct Range {
  int64_t low = std::numeric_limits<int32_t>::min();
  int64_t high = std::numeric_limits<int32_t>::max();
  bool non_negative() const { return low >= 0; }
};

// `exact` holds where the mathematical result of the instruction always equals its wrapped one.
struct ValueRange {
  Range range;
  bool exact = false;
};

// One entry an instruction; entries of instructions without an i32 result are full.
std::vector<ValueRange> value_ranges(const Kernel&);

}  // namespace shoal::kernel
