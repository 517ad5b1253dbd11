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

// A target that can be run here, with the number of lanes to try on it.
struct Machine {
  std::string cpu;
  int32_t lanes;
};
// Each narrower or wider than its registers too: LLVM then splits or pads the vectors. What follows is of the test
// program: test_cpu runs kernels on this machine (host_machines.cpp), test_neon on an emulated one (tests/isa).
const std::vector<Machine>& machines();
emit::CpuFeatures features_of(const Machine&);
// Runs the kernel, whose LLVM IR is `text`, over `memory`.
void run_compiled(const kernel::Kernel&, const std::string& text, std::vector<Words>& memory,
                  const std::vector<int32_t>& scalars, int32_t first_group, int32_t last_group,
                  const emit::CpuFeatures&);
// Whether the machine hands a denormal operand of max and min on as it is, where others give zero. What computes with
// it takes it as zero all the same.
bool extrema_keep_denormals();

}  // namespace shoal::test
