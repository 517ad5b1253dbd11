// What the cost model and `choose` know of a CPU target's processor, by its name and its features.
#pragma once

#include "compiler/compile.h"
#include "compiler/kernel/cost.h"
#include "compiler/plan/choose.h"

namespace shoal {

// The core, for kernels whose vectors have `lanes` elements.
kernel::Core core_of(const Target&, int lanes);
plan::Rates rates_of(const Target&);

}  // namespace shoal
