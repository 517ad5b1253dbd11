// Device functions that emitted text calls, as text.
#pragma once

#include <string>

namespace shoal::emit {

// shoal_div, shoal_sqrt, shoal_max and shoal_min, those that are asked for.
struct CudaFunctions {
  bool div = false, sqrt = false, max = false, min = false;
};
std::string cuda_functions(const CudaFunctions& wanted);

}  // namespace shoal::emit
