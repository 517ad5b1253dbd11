// Constants that a GPU kernel keeps in registers while its steps run.
#pragma once

#include <cstdint>
#include <map>

#include "compiler/kernel/kernel.h"

namespace shoal::emit {

// By the bits of the number: those that multiply in a multiply-add which adds another constant. The machine's
// instruction holds one of the two; ptxas moves the other into a register before each of them, unless it cannot know
// it. Only where the loop of steps has many such, and not more than a few numbers, which are counted from 0.
std::map<uint32_t, int> held_constants(const kernel::Kernel&);

}  // namespace shoal::emit
