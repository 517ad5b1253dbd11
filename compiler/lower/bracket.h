// A bracket of the kernel around a piece of lowering; what was computed inside is forgotten after it.
#pragma once

#include <functional>

#include "compiler/lower/scalars.h"

namespace shoal::lower {

inline void bracket(Context& context, Scalars& scalars, const std::function<void()>& begin,
                    const std::function<void()>& body) {
  begin();
  context.open();
  scalars.open();
  body();
  scalars.close();
  context.close();
  context.builder.end();
}

}  // namespace shoal::lower
