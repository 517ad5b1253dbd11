// Moving a graph node by node into a new one: what fold, cse and dce share.
#pragma once

#include <functional>

#include "compiler/graph/graph.h"

namespace shoal {

// Builds a new graph by visiting every node in order. `visit` gets the new graph and the node with its inputs already
// renumbered; it returns the id of the node's replacement in the new graph, or no_node to drop it (then nothing kept
// may use it). Loops keep their numbers, and a dropped carry is carried no more. Outputs are renumbered; the name of a
// replaced node passes to its replacement when that has none.
Graph rewrite(Graph, const std::function<NodeId(Graph&, Node&&, NodeId old_id)>& visit);

}  // namespace shoal
