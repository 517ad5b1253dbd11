// Device functions that emitted text calls, as text.
#pragma once

#include <string>

#include "compiler/kernel/kernel.h"

namespace shoal::emit {

// shoal_div, shoal_sqrt, shoal_exp2, shoal_rcp, shoal_max, shoal_min, and shoal_f16 and shoal_bf16, which widen 16 bits
// to an f32: those that are asked for.
struct CudaFunctions {
  bool div = false, sqrt = false, exp2 = false, rcp = false, max = false, min = false, f16 = false, bf16 = false;
};
std::string cuda_functions(const CudaFunctions& wanted);
// Those that the text of a kernel calls.
CudaFunctions functions_of(const kernel::Kernel& kernel);

}  // namespace shoal::emit
