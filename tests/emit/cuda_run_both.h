// Runs a kernel twice, as emitted CUDA text in the emulator and in the kernel interpreter, and compares every bit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/emit/cuda_kernels.h"
#include "tests/emulate/emulate.h"

namespace shoal::cuda_kernels {

using Buffers = std::vector<std::vector<uint32_t>>;  // the words of each global buffer

Buffers interpret(const Sample&);
// Expects that the emulator finds no fault.
Buffers emulate_text(emulate::Program&, const Sample&, uint64_t seed);
// NaNs are equal whatever their payload: IEEE leaves it open, and x86 and NVIDIA's hardware differ.
void expect_same(const Sample&, const Buffers& got, const Buffers& expected, const std::string& text);
// Verifies, emits, compiles, and runs once under each adversary.
void expect_runs_as_interpreted(const Sample&);

}  // namespace shoal::cuda_kernels
