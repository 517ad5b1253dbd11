// The keyed bijection behind the `shuffle` primitive, and the sides of the rectangle that it works in.
#pragma once

#include <cstdint>

namespace shoal {

// Image of i under the bijection of [0, n). Documented in shuffle.cpp. 1 <= n <= 2^31 - 2^16.
uint32_t shuffle_index(uint32_t i, uint32_t n, uint32_t key, uint32_t epoch);

struct ShuffleSides {
  uint32_t rows, columns;
};
ShuffleSides shuffle_sides(uint32_t n);

}  // namespace shoal
