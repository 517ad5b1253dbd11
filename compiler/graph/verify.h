// The verifier of graphs: what must hold between any two passes.
#pragma once

#include "compiler/graph/graph.h"

namespace shoal {

// Checks that inputs precede their users, arities and derived fields are right, names are unique, outputs exist and a
// `next` has the state's shape and dtype and varies over no more than it. Throws InternalError that names `after` and
// prints the node.
void verify(const Graph&, std::string_view after);

}  // namespace shoal
