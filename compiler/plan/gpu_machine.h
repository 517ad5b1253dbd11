// What one multiprocessor of each NVIDIA architecture has: the constants behind the choice of a GPU's schedule.
#pragma once

#include <cstdint>

namespace shoal::plan {

struct GpuMachine {
  int sm = 90;                       // 90 is sm_90
  int multiprocessors = 132;         // of the board
  int64_t block_shared = 227 << 10;  // bytes of shared memory that one block may use
  int64_t shared = 228 << 10;        // of a multiprocessor
  int warps = 64, blocks = 32;       // resident at once, at most
  int registers = 65536;
  int float_lanes = 128, integer_lanes = 64;
  double ghz = 1.98, gb_per_s = 4800;  // boost clock; device memory of the board
  // Cycles of a product of tensor cores, m16n8k8 of tf32 or m16n8k16 of bf16. Of mma.sync: what later architectures
  // reach by other instructions does not count.
  double mma_cycles = 1.6;
};

// The constants of the newest known architecture that is not newer than `sm`. Multiprocessors and the shared memory of
// a block are the target's, which has them from the driver where there is one.
GpuMachine gpu_machine(int sm, int multiprocessors, int64_t block_shared);

// Blocks of so many threads and bytes of shared memory that a multiprocessor has room for, whatever registers they
// take: 0 where with the most registers of a thread fewer would fit, so that registers are worth saving.
int blocks_of_any_registers(const GpuMachine&, int threads, int64_t shared_bytes);

constexpr int most_registers = 255;        // of a thread
constexpr int64_t reserved_shared = 1024;  // bytes of each block, by the system

}  // namespace shoal::plan
