// What a scalar primitive computes from one element of each operand, in double precision.
#pragma once

#include "compiler/graph/graph.h"

namespace shoal {

// `operand` is the element type of the last operand (of the condition's choices for select), `result` the node's own.
// Integers and booleans are held as doubles; i32 arithmetic wraps. Throws SpecError for an integer division by zero and
// a shuffle of an index outside [0, n).
double scalar_value(Prim, DType operand, DType result, int64_t n, const double* args);

}  // namespace shoal
