// Device functions that emitted text calls, as text.
#pragma once

#include <string>

#include "compiler/kernel/kernel.h"

namespace shoal::emit {

// shoal_div, shoal_sqrt, shoal_exp2, shoal_rcp, shoal_max, shoal_min; shoal_f16 and shoal_bf16, which widen 16 bits to
// an f32; and what tensor cores take: shoal_tf32, shoal_bf16_pair, shoal_mma_tf32, shoal_mma_bf16; and
// accesses of memory (cuda_accesses.h). Those that the kernel needs.
std::string cuda_functions(const kernel::Kernel&, bool callable);

}  // namespace shoal::emit
