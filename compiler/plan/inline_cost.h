// What a node would cost where it is read, against what it costs to keep it: decides which values cross nests.
#pragma once

#include <vector>

#include "compiler/graph/graph.h"

namespace shoal::plan {

// For every node of the graph: whether its value should be stored once rather than computed again wherever it is read.
// Counts the evaluations that its readers ask for (a contraction asks once for each of its points) times the operations
// of one evaluation. Sums are not considered (they always are nests), nor are sources (they always can be read).
std::vector<bool> worth_storing(const Graph& graph);

// Whether one evaluation of the primitive is about as cheap as a load.
bool is_cheap(Prim prim);

// Elements of the node for one member, samples included.
int64_t member_elements(const Graph& graph, const Node& node);

// Whether a reshape only adds or drops dimensions of extent 1, so that it renames indices and needs no flat memory.
bool is_renaming(const Shape& from, const Shape& to);

}  // namespace shoal::plan
