// Hidden states start from zeros in every program but the inference that goes on where it stopped.
#include "compiler/programs/hidden_state.h"

#include <algorithm>

#include "compiler/passes/rewrite.h"

namespace shoal {
namespace {

bool is_hidden_state(const Graph& graph, const Output& output) {
  return output.state != no_node && graph[output.state].attrs.role == Role::input;
}

}  // namespace

bool has_hidden_states(const Graph& graph) {
  return std::ranges::any_of(graph.outputs, [&](const Output& output) { return is_hidden_state(graph, output); });
}

Graph start_from_zeros(const Graph& graph) {
  std::vector<bool> hidden(graph.nodes.size(), false);
  for (const Output& output : graph.outputs)
    if (is_hidden_state(graph, output)) hidden[output.state] = true;
  Graph result = rewrite(graph, [&](Graph& made, Node&& node, NodeId old) {
    if (!hidden[old]) return made.add(std::move(node));
    const NodeId zero = made.add({.prim = Prim::constant});
    return made.add({.prim = Prim::broadcast, .inputs = {zero}, .attrs = {.shape = node.shape}});
  });
  std::erase_if(result.outputs, [&](const Output& output) {
    return output.state != no_node && result[output.state].prim != Prim::input;
  });
  return result;
}

}  // namespace shoal
