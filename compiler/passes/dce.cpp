// dce: drops nodes that no output needs, and loops without nodes. Inputs stay, because they are what the outside hands
// over.
#include <algorithm>
#include <map>
#include <utility>

#include "compiler/passes/passes.h"
#include "compiler/passes/rewrite.h"

namespace shoal {
namespace {

std::vector<bool> needed_nodes(const Graph& graph) {
  std::map<NodeId, NodeId> next_of;
  for (const Loop& loop : graph.loops)
    for (const auto& [carry, next] : loop.carried) next_of[carry] = next;
  std::vector<bool> needed(graph.nodes.size(), false);
  std::vector<NodeId> open;
  const auto need = [&](NodeId id) {
    if (!needed[id]) open.push_back(id);
    needed[id] = true;
  };
  for (const Output& output : graph.outputs) need(output.value);
  for (NodeId id = 0; id < graph.nodes.size(); ++id)
    if (graph[id].prim == Prim::input) need(id);
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    for (NodeId input : graph[id].inputs) need(input);
    if (graph[id].prim == Prim::carry) need(next_of.at(id));
  }
  return needed;
}

// Leaves out the loops that no node names, and renumbers the others.
void drop_empty_loops(Graph& graph) {
  std::vector<int32_t> number(graph.loops.size(), -1);
  for (const Node& node : graph.nodes)
    if (node.attrs.loop >= 0) number[node.attrs.loop] = 0;
  std::vector<Loop> kept;
  for (size_t l = 0; l < number.size(); ++l) {
    if (number[l] < 0) continue;
    number[l] = static_cast<int32_t>(kept.size());
    kept.push_back(std::move(graph.loops[l]));
  }
  for (Node& node : graph.nodes)
    if (node.attrs.loop >= 0) node.attrs.loop = number[node.attrs.loop];
  graph.loops = std::move(kept);
}

}  // namespace

Graph dce(Graph graph) {
  const std::vector<bool> needed = needed_nodes(graph);
  if (std::ranges::find(needed, false) != needed.end())
    graph = rewrite(std::move(graph), [&needed](Graph& made, Node&& node, NodeId old_id) {
      return needed[old_id] ? made.append(std::move(node)) : no_node;
    });
  drop_empty_loops(graph);
  return graph;
}

}  // namespace shoal
