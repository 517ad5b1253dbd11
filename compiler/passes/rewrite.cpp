// Moving a graph node by node into a new one: what fold, cse and dce share.
#include "compiler/passes/rewrite.h"

#include <utility>

#include "compiler/support/error.h"

namespace shoal {

Graph rewrite(Graph graph, const std::function<NodeId(Graph&, Node&&, NodeId old_id)>& visit) {
  Graph result;
  result.name = graph.name;
  result.batch = graph.batch;
  result.permits = graph.permits;
  result.nodes.reserve(graph.nodes.size());
  for (const Loop& loop : graph.loops) result.loops.push_back({.extent = loop.extent, .reversed = loop.reversed});
  std::vector<NodeId> replaced(graph.nodes.size(), no_node);
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    Node& node = graph.nodes[id];
    for (NodeId& input : node.inputs) input = replaced[input];
    const SharedText name = node.name;
    const size_t before = result.nodes.size();
    const NodeId now = visit(result, std::move(node), id);
    replaced[id] = now;
    if (now == no_node || name.empty()) continue;
    // A node that stood before keeps its own name; one made for this node takes over this one's.
    if (result[now].name.empty() || now >= before) result.nodes[now].name = name;
  }
  for (size_t l = 0; l < graph.loops.size(); ++l)
    for (const auto& [carry, next] : graph.loops[l].carried) {
      if (replaced[carry] == no_node) continue;
      check(replaced[next] != no_node, "rewrite dropped what a carry of loop {} advances to", l);
      result.loops[l].carried.push_back({.carry = replaced[carry], .next = replaced[next]});
    }
  for (const Output& output : graph.outputs) {
    result.outputs.push_back({.name = output.name,
                              .value = replaced[output.value],
                              .state = output.state == no_node ? no_node : replaced[output.state]});
    check(result.outputs.back().value != no_node, "rewrite dropped the value of output {}", output.name);
  }
  return result;
}

}  // namespace shoal
