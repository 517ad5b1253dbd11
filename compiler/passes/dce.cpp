// dce: drops nodes that no output needs. Inputs stay, because they are what the outside hands over.
#include "compiler/passes/passes.h"
#include "compiler/passes/rewrite.h"

namespace shoal {

Graph dce(const Graph& graph) {
  std::vector<bool> needed(graph.nodes.size(), false);
  for (const Output& output : graph.outputs) needed[output.value] = true;
  for (NodeId id = static_cast<NodeId>(graph.nodes.size()); id-- > 0;) {
    if (graph[id].prim == Prim::input) needed[id] = true;
    if (!needed[id]) continue;
    for (NodeId input : graph[id].inputs) needed[input] = true;
  }
  return rewrite(graph, [&needed](Graph& result, Node node, NodeId old_id) {
    return needed[old_id] ? result.add(std::move(node)) : no_node;
  });
}

}  // namespace shoal
