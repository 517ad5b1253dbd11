// What programs do with the hidden states that stateful layers ask for: inputs of Role::input that the network
// replaces.
#pragma once

#include "compiler/graph/graph.h"

namespace shoal {

// Whether the graph has hidden states.
bool has_hidden_states(const Graph&);

// The graph with zeros for hidden states, and nothing that replaces them.
Graph start_from_zeros(const Graph&);

}  // namespace shoal
