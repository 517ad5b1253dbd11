// The graph passes: each one verb, Graph f(Graph), in a file of its own; all run through run_pass. A graph that is
// moved in is taken apart, not copied.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/support/trace.h"

namespace shoal {

// Runs one pass: times it, verifies its result, and tells the trace.
Graph run_pass(std::string_view name, Graph, const std::function<Graph(Graph)>& pass, Trace* trace);

Graph fold(Graph);  // constants, and identities such as x*1, x+0, reshape to the same shape, cast of a constant
Graph cse(Graph);   // equal nodes become one
Graph dce(Graph);   // nodes that no output needs go; inputs stay

Graph unroll_windows(Graph);  // reductions over the few offsets of windows become chains of scalars
Graph join(Graph);            // sums of zero-padded pieces that lie side by side become concatenations

// What a loop over time collects and another one reads at its own time is computed in the other one again, from carried
// values and sums (contractions, reductions), which stay collected. To be followed by cse and dce.
Graph recompute(const Graph&);

// Appends to `graph` the derivative of `loss` (rank 0, varies over member or nothing) with respect to each of `wrt`,
// by reverse accumulation; result[i] has the shape of wrt[i] and varies over no more than it. A value that the loss
// does not reach gets zeros. Throws SpecError if a gradient would have to be summed over members.
// Sums over samples appear where a value that varies over sample was broadcast from one that does not.
std::vector<NodeId> differentiate(Graph& graph, NodeId loss, const std::vector<NodeId>& wrt);

}  // namespace shoal
