// Runs a kernel through LLVM and through the interpreter on the same memory, and expects the same bits.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "compiler/emit/emit.h"
#include "compiler/kernel/kernel.h"

namespace shoal::test {

using Words = std::vector<uint32_t>;

// Floats of every kind: ordinary ones of many sizes, zeros of both signs, denormals, infinities, NaN.
Words random_floats(size_t count, std::mt19937& random, bool specials = true);
Words random_ints(size_t count, std::mt19937& random);

// Compares every element after the run. A NaN equals any NaN: which operand's payload survives is not promised.
// `memory`: one entry a global buffer.
void expect_same(const kernel::Kernel&, const std::vector<Words>& memory, const std::vector<int32_t>& scalars,
                 int32_t first_group, int32_t last_group, const emit::CpuFeatures&);

// A target of the machine or below it, with the number of lanes to try on it.
struct Machine {
  std::string cpu;
  int32_t lanes;
};
// Each narrower or wider than its registers too: LLVM then splits or pads the vectors.
const std::vector<Machine>& machines();
emit::CpuFeatures features_of(const Machine&);

}  // namespace shoal::test
