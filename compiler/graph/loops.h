// Which loop over time each node of a graph is computed in.
#pragma once

#include "compiler/graph/graph.h"

namespace shoal {

// The loop of a node whose inputs' loops are known, or -1 outside of all: time and carry are in the loop they name,
// last and collect are outside, and any other node is where its inputs are. Throws SpecError when they are in two
// loops.
int32_t loop_of_node(const Node&, const std::vector<int32_t>& known);

// The same for all nodes of a graph.
std::vector<int32_t> loop_of(const Graph&);

}  // namespace shoal
