// Decompose: what a target has no instruction for, written in kernel opcodes.
#pragma once

#include "compiler/graph/graph.h"
#include "compiler/kernel/kernel.h"

namespace shoal::lower {

// Appends code that computes the scalar primitive `prim` (exp, log, tanh, erf, sin, cos, shuffle) of kernel values
// `args`; `n` is the size of a shuffle; for a `gpu`, tanh is made of exp2 and rcp, which take it fewer
// instructions; the rest is the same on every target. Accuracy over all finite f32 inputs, results below the smallest
// normal number flushed: exp, log at most 2 ulp, tanh at most 5, erf at most 6, sin and cos (|x| <= 1e4) at most 4.
// tanh and erf stay in [-1, 1], sin and cos of any finite number within 2^-23 of it. Special values as C's libm:
// exp(-inf) = 0, exp(inf) = inf, log(0) = -inf, log(x < 0) = NaN, NaN in, NaN out.
int32_t decompose(kernel::Builder&, Prim prim, const int32_t args[3], int64_t n = 0, bool gpu = false);

}  // namespace shoal::lower
