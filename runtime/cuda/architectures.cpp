// The table of NVIDIA architectures (CUDA C++ Programming Guide, "Compute Capabilities", and the boards' data sheets).
#include "runtime/cuda/architectures.h"

#include <array>
#include <string>

#include "compiler/support/error.h"

namespace shoal::cuda {
namespace {

struct Architecture {
  int sm;
  int shared_kib;  // that one block may use
  int l1_kib;      // L1 and shared memory together, per multiprocessor
  int l2_mib;      // of the board
  int multiprocessors;
};

constexpr std::array architectures{
    Architecture{.sm = 80, .shared_kib = 163, .l1_kib = 192, .l2_mib = 40, .multiprocessors = 108},    // A100
    Architecture{.sm = 86, .shared_kib = 99, .l1_kib = 128, .l2_mib = 6, .multiprocessors = 82},       // RTX 3090
    Architecture{.sm = 89, .shared_kib = 99, .l1_kib = 128, .l2_mib = 72, .multiprocessors = 128},     // RTX 4090
    Architecture{.sm = 90, .shared_kib = 227, .l1_kib = 256, .l2_mib = 50, .multiprocessors = 132},    // H100
    Architecture{.sm = 100, .shared_kib = 227, .l1_kib = 256, .l2_mib = 126, .multiprocessors = 148},  // B200
    Architecture{.sm = 120, .shared_kib = 99, .l1_kib = 128, .l2_mib = 96, .multiprocessors = 170},    // RTX 5090
};

}  // namespace

Target cuda_target(int sm) {
  const Architecture* best = nullptr;
  std::string known;
  for (const Architecture& a : architectures) {
    known += (known.empty() ? "sm_" : ", sm_") + std::to_string(a.sm);
    if (a.sm <= sm && a.sm / 10 == sm / 10) best = &a;
  }
  if (!best) throw SpecError("target", fmt::format("expected one of {}, got sm_{}", known, sm));
  Target target;
  target.kind = Target::Kind::cuda;
  target.lanes = 32;
  target.sm = sm;
  target.shared_bytes = int64_t{best->shared_kib} << 10;
  target.l1_bytes = int64_t{best->l1_kib} << 10;
  target.l2_bytes = (int64_t{best->l2_mib} << 20) / best->multiprocessors;
  target.registers = 255;
  target.workers = best->multiprocessors;
  return target;
}

}  // namespace shoal::cuda
