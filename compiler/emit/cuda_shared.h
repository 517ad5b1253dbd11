// Accesses of shared memory, written as PTX.
#pragma once

#include <string>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::emit {

// Loads take the names of new variables, an address, and a constant that is added to it in the instruction; stores an
// address, the constant, and the values: shoal_load_float2(v1, v2, arena + v3, x + 64). Addresses are of 32 bits, in
// bytes, as __cvta_generic_to_shared gives them.
std::string shared_function(kernel::Op, kernel::Type, int width);

struct SharedFunction {
  std::string name, definition;
};
// Those that the kernel calls, each once.
std::vector<SharedFunction> shared_functions(const kernel::Kernel&);

}  // namespace shoal::emit
