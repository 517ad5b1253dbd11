// Accesses of memory that are written as PTX.
#pragma once

#include <string>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::emit {

// All of shared memory, and in kernels the wide ones of global memory. A device function's arrays may stand in any
// memory of its caller, so it reads and writes them in C++, and its caller's compiler finds out which.
bool is_ptx_access(const kernel::Buffer&, int width, bool callable);

// Loads take the names of new variables, an address, and a constant of bytes that the instruction adds to it; stores an
// address, the constant, and the values: shoal_load_shared_float2(v1, v2, arena + v3, x + 64). An address of shared
// memory has 32 bits, as __cvta_generic_to_shared gives it; of global memory it is a pointer.
std::string access_function(kernel::Op, const kernel::Buffer&, int width);

struct AccessFunction {
  std::string name, definition;
};
// Those that the kernel calls, each once.
std::vector<AccessFunction> access_functions(const kernel::Kernel&, bool callable);

}  // namespace shoal::emit
