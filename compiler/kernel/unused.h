// Removes what no effect of a kernel depends on.
#pragma once

#include "compiler/kernel/kernel.h"

namespace shoal::kernel {

// Keeps stores, mutable registers that are read, structure and barriers, and what they are computed from; the values
// that stay are numbered anew. A wide access and a product of tensor cores stay whole.
void remove_unused(Kernel&);

}  // namespace shoal::kernel
