// Brackets: the opcodes between which others stand.
#pragma once

#include "compiler/kernel/kernel.h"

namespace shoal::kernel {

inline bool opens_bracket(Op op) { return op == Op::loop || op == Op::when || op == Op::repeat; }
inline bool closes_bracket(Op op) { return op == Op::end || op == Op::again; }

}  // namespace shoal::kernel
