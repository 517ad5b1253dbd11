// A dense layer in register tiles, the shape that decides the speed of everything, and a reader of its machine code.
#pragma once

#include <string>
#include <string_view>

#include "compiler/kernel/kernel.h"

namespace shoal::test {

struct HotShape {
  int32_t lanes = 8;
  int32_t units = 2, samples = 4;  // of a tile
  int64_t inputs = 32;
  bool shared_weights = false;  // the same in all lanes: lanes over samples
};

// y[s][u] = sum over i of w[u][i] * x[s][i], for 32 units and 16 samples, lanes innermost, a group a set of lanes.
kernel::Kernel hot_kernel(const HotShape&);

// The innermost loop with the most FMAs: from its label to its backward branch.
std::string hottest_loop(const std::string& assembly);
int count_lines(std::string_view text, std::string_view part);

}  // namespace shoal::test
