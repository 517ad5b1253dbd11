// Lower: plan -> kernel, by one lowering for all nests; no layer and no mapping is known here.
#pragma once

#include "compiler/kernel/kernel.h"
#include "compiler/plan/plan.h"

namespace shoal::lower {

// Scalars of the kernel, in order: "steps" and "first_step" when plan.steps, else none. Global buffers: one an argument
// of the plan, in order, then "scratch" when plan.scratch_size > 0.
kernel::Kernel lower(const plan::Plan& plan);

}  // namespace shoal::lower
