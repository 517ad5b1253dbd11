// Where each value is used, as far as that decides whether its text may stand where its only user needs it, and whether
// it is computed twice.
#pragma once

#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::emit {

// By value: its users; one in another bracket counts as two, as text must not move across brackets.
std::vector<int> inlining_uses(const kernel::Kernel& kernel);

// The `end` of the loop over the steps; -1 where there is none.
int32_t end_of_steps(const kernel::Kernel& kernel);

// By value: it is an integer that is computed before the steps, outside every bracket, from the thread's place, scalars
// and constants alone, and it is used behind the steps, itself or by another such value.
std::vector<bool> renewed_behind_steps(const kernel::Kernel& kernel);
bool renews_behind_steps(const kernel::Kernel& kernel);  // whether there is one

}  // namespace shoal::emit
