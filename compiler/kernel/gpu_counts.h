// GPU counts: what one warp of a kernel asks of a multiprocessor, by kind of resource. What choose weighs.
#pragma once

#include "compiler/kernel/kernel.h"

namespace shoal::kernel {

// Of one warp (lanes act together). Machine instructions are guessed from opcodes, calibrated on the table of machine
// code (docs/measurements/sass.md).
struct GpuCounts {
  double issued = 0;         // instructions
  double floats = 0;         // of these, f32 arithmetic
  double integers = 0;       // of these, integer arithmetic
  double special = 0;        // of these, on the special function units: approximations of 1/x, roots and powers
  double shared_merge = 0;   // cycles of shared memory where two quarter warps that share addresses are served together
  double shared_return = 0;  // and where each lane's 16 bytes take their turn
  double mma = 0;            // products of tensor cores (kernel/tensor.h)
  double global_bytes = 0;   // asked for by all lanes
  double barriers = 0;
  double rounds = 0;  // of loops, each of which begins with something to wait for
};
GpuCounts operator-(const GpuCounts&, const GpuCounts&);

// Of a launch of so many steps (ignored where the kernel has none). Loops whose count is no constant run once.
GpuCounts gpu_counts(const Kernel&, int64_t steps);

// 32-bit registers of a thread: what lives at once, and what the compiler's own order of loads takes on top.
int gpu_registers(const Kernel&);

}  // namespace shoal::kernel
