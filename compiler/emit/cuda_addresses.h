// Which index values are written as byte offsets.
#pragma once

#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::emit {

// By value: whether it serves as an index of shared memory only, or as a part of such indices. Written times four from
// its own parts on, it needs no shift where it is used: shared memory is addressed in bytes. The counter of a loop
// whose count is constant counts bytes as soon as one index has it as a part; its other users divide.
std::vector<bool> shared_byte_offsets(const kernel::Kernel& kernel);

}  // namespace shoal::emit
