// A relayout nest: blocks of lanes x lanes elements are loaded along one axis, transposed across lanes, stored along
// the other.
#pragma once

#include "compiler/lower/context.h"

namespace shoal::lower {

// Whether the nest's extents allow it: whole vectors of samples.
bool can_transpose(const Context& context, const plan::Nest& nest);
void lower_relayout(Context& context, const plan::Nest& nest, const plan::Binding& binding);

}  // namespace shoal::lower
