// The table (CUDA C++ Programming Guide, "Compute Capabilities"; clocks and bandwidths from the boards' data sheets).
#include "compiler/plan/gpu_machine.h"

#include <array>

namespace shoal::plan {
namespace {

constexpr int64_t kib = 1024;

// Boards: A100, RTX 3090, RTX 4090, H200, B200, RTX 5090.
constexpr std::array machines{
    GpuMachine{.sm = 80, .shared = 164 * kib, .warps = 64, .float_lanes = 64, .ghz = 1.41, .gb_per_s = 2039},
    GpuMachine{.sm = 86, .shared = 100 * kib, .warps = 48, .blocks = 16, .ghz = 1.70, .gb_per_s = 936},
    GpuMachine{.sm = 89, .shared = 100 * kib, .warps = 48, .blocks = 24, .ghz = 2.52, .gb_per_s = 1008},
    GpuMachine{.sm = 90, .shared = 228 * kib, .warps = 64, .ghz = 1.98, .gb_per_s = 4800},
    GpuMachine{.sm = 100, .shared = 228 * kib, .warps = 64, .ghz = 1.85, .gb_per_s = 8000},
    GpuMachine{.sm = 120, .shared = 100 * kib, .warps = 48, .blocks = 24, .ghz = 2.41, .gb_per_s = 1792},
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

}  // namespace shoal::plan
