// Binding one nest: what bind() does for every nest of a plan, and reside() for those that it adds.
#pragma once

#include "compiler/plan/plan.h"

namespace shoal::plan {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

Binding bind_nest(const Plan& plan, const Nest& nest);

// GPU: chooses for every temporary whether its rows run along samples or along its last dimension: along what wide
// accesses divide without a rest.
void lay_out_for_wide_access(Plan& plan);
// GPU: deals the lanes to the nest's parallel axes and chooses its register tile, by counting what the tile issues and
// what shared memory moves. `binding` has the warps already.
void spread_lanes(const Plan& plan, const Nest& nest, Binding& binding);

}  // namespace shoal::plan
