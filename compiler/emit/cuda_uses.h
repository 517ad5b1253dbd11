// How often each value is used, as far as that decides whether its text may stand where its only user needs it.
#pragma once

#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::emit {

// By value: its users; one in another bracket counts as two, as text must not move across brackets.
std::vector<int> inlining_uses(const kernel::Kernel& kernel);

}  // namespace shoal::emit
