// The machine on which test_neon runs the kernels of tests/cpu: an emulated AArch64, with NEON.
#include "runtime/cpu/host.h"
#include "tests/cpu/run_both.h"
#include "tests/isa/arm_machine.h"

namespace shoal::test {

const std::vector<Machine>& machines() {
  static const std::vector<Machine> all{{"aarch64", 4}};
  return all;
}

emit::CpuFeatures features_of(const Machine& machine) { return cpu::target_for(machine.cpu).cpu; }

// Comparing and choosing are two instructions there, and the second one moves bits.
bool extrema_keep_denormals() { return true; }

void run_compiled(const kernel::Kernel& k, const std::string& text, std::vector<Words>& memory,
                  const std::vector<int32_t>& scalars, int32_t first_group, int32_t last_group,
                  const emit::CpuFeatures&) {
  run_on_arm(k, text, memory, scalars, first_group, last_group);
}

}  // namespace shoal::test
