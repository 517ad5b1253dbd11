// The table (CUDA C++ Programming Guide, "Compute Capabilities"; clocks and bandwidths from the boards' data sheets,
// and from their tf32 peaks without sparsity the cycles of a product: 156, 36, 83 and 105 TFLOP/s of the A100, the RTX
// 3090, 4090 and 5090. Of sm_90 and sm_100 mma.sync is assumed to reach 62 % of the H200's peak of 495).
#include "compiler/plan/gpu_machine.h"

#include <algorithm>
#include <array>

namespace shoal::plan {
namespace {

constexpr int64_t kib = 1024;

// Boards: A100, RTX 3090, RTX 4090, H200, B200, RTX 5090.
constexpr std::array machines{
    GpuMachine{
        .sm = 80, .shared = 164 * kib, .warps = 64, .float_lanes = 64, .ghz = 1.41, .gb_per_s = 2039, .mma_cycles = 2},
    GpuMachine{.sm = 86, .shared = 100 * kib, .warps = 48, .blocks = 16, .ghz = 1.70, .gb_per_s = 936, .mma_cycles = 8},
    GpuMachine{
        .sm = 89, .shared = 100 * kib, .warps = 48, .blocks = 24, .ghz = 2.52, .gb_per_s = 1008, .mma_cycles = 8},
    GpuMachine{.sm = 90, .shared = 228 * kib, .warps = 64, .ghz = 1.98, .gb_per_s = 4800},
    GpuMachine{.sm = 100, .shared = 228 * kib, .warps = 64, .ghz = 1.85, .gb_per_s = 8000},
    GpuMachine{
        .sm = 120, .shared = 100 * kib, .warps = 48, .blocks = 24, .ghz = 2.41, .gb_per_s = 1792, .mma_cycles = 8},
};

}  // namespace

GpuMachine gpu_machine(int sm, int multiprocessors, int64_t block_shared) {
  GpuMachine machine = machines[0];
  for (const GpuMachine& m : machines)
    if (m.sm <= sm) machine = m;
  machine.sm = sm;
  machine.multiprocessors = multiprocessors;
  machine.block_shared = block_shared;
  return machine;
}

int blocks_of_any_registers(const GpuMachine& machine, int threads, int64_t shared_bytes) {
  const int64_t by_shared = std::max<int64_t>(1, machine.shared / (shared_bytes + reserved_shared));
  const int64_t blocks = std::min<int64_t>({by_shared, machine.blocks, std::max(1, 32 * machine.warps / threads)});
  return blocks * threads * (most_registers + 1) <= machine.registers ? static_cast<int>(blocks) : 0;
}

}  // namespace shoal::plan
