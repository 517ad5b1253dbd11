// make_plan: a graph under a schedule becomes a plan, through the passes of compiler/plan in their order.
#pragma once

#include "compiler/compile.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/schedule.h"

namespace shoal {

// Throws SpecError (place "schedule") for a schedule that cannot serve the graph on the target.
plan::Plan make_plan(const Graph&, const plan::Schedule&, const Target&);

}  // namespace shoal
