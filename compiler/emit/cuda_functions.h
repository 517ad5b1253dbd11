// Device functions that emitted text calls, as text.
#pragma once

#include <string>

namespace shoal::emit {

// The functions shoal_div and shoal_sqrt, those that are asked for.
std::string cuda_functions(bool div, bool sqrt);

}  // namespace shoal::emit
