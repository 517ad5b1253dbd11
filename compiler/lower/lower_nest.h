// One nest under its binding: loops over its parallel axes, an unrolled register tile, reductions, stores.
#pragma once

#include "compiler/lower/context.h"

namespace shoal::lower {

void lower_nest(Context& context, const plan::Nest& nest, const plan::Binding& binding);

}  // namespace shoal::lower
