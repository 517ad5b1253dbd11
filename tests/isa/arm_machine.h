// An AArch64 machine to run kernels on: user-mode emulation by qemu.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::test {

// What is missing here to run AArch64 code, and the remedy; empty when nothing is.
std::string arm_machine_problem();

// Compiles `text`, the kernel's LLVM IR for AArch64, and runs its groups [first, last) over `buffers`, one a global
// buffer. Throws RuntimeError with what the linker, the emulator or the kernel said.
void run_on_arm(const kernel::Kernel&, const std::string& text, std::vector<std::vector<uint32_t>>& buffers,
                const std::vector<int32_t>& scalars, int32_t first_group, int32_t last_group);

}  // namespace shoal::test
