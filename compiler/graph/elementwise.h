// Scalar primitives on operands of different unit shapes.
#pragma once

#include "compiler/graph/graph.h"

namespace shoal {

// Adds a scalar primitive, its operands broadcast as NumPy does: aligned at the last dimension, extent 1 repeats. An
// operand of rank 0 passes as it is, and operands of one shape get no further nodes.
NodeId add_elementwise(Graph&, Node);

}  // namespace shoal
