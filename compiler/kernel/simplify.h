// Simplification of one integer instruction while it is built.
#pragma once

#include "compiler/kernel/kernel.h"

namespace shoal::kernel {

// The value that equals `op` of `args` more simply (a constant, an operand, or a cheaper instruction), or -1 if there
// is none. Types are legal already. f32 arithmetic is left alone: graph passes fold it, where they know its rules.
int32_t simplify(Builder&, Op op, const std::array<int32_t, 3>& args);

}  // namespace shoal::kernel
