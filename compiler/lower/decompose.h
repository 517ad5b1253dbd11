// Decompose: what a target has no instruction for, written in kernel opcodes.
#pragma once

#include "compiler/graph/graph.h"
#include "compiler/kernel/kernel.h"

namespace shoal::lower {

// Which of its forms a function takes: `gpu` makes tanh and sigmoid of exp2 and rcp, which take it fewer instructions;
// `gpu_fast` makes exp of exp2 alone (the permission `fast_math`). All others are the same on every target.
enum class Functions : uint8_t { accurate, gpu, gpu_fast };

// Appends code that computes the scalar primitive `prim` (exp, log, tanh, sigmoid, erf, sin, cos, shuffle) of kernel
// values `args`; `n` is the size of a shuffle.
//
// Accuracy over all finite f32 inputs, results below the smallest normal number flushed: exp, log at most 2 ulp, tanh
// at most 5, erf at most 6, sin and cos (|x| <= 1e4) at most 4; sigmoid at most 2^-22 from the truth.
//
// tanh and erf stay in [-1, 1], sigmoid in [0, 1] (rcp(1) being 1), sin and cos of any finite number
// within 2^-23 of [-1, 1].
// Special values as C's libm: exp(-inf) = 0, exp(inf) = inf, log(0) = -inf, log(x < 0) = NaN, NaN in, NaN out.
//
// Of a GPU, whose exp2 is at most 2 ulp off and rcp 1: tanh is at most 3 * 2^-23 and at most 2^-15 times its size from
// the truth, and in [-1, 1] as rcp(1) is 1; exp of `gpu_fast` is at most (5 + 1.5 |x|) 2^-24 times the truth from it,
// which for x <= 0 is less than 3 * 2^-23. Special values as above.
int32_t decompose(kernel::Builder&, Prim prim, const int32_t args[3], int64_t n = 0,
                  Functions functions = Functions::accurate);

}  // namespace shoal::lower
