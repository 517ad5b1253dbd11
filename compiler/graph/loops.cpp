// Which loop over time each node of a graph is computed in.
#include "compiler/graph/loops.h"

#include "compiler/support/error.h"

namespace shoal {

int32_t loop_of_node(const Node& node, const std::vector<int32_t>& known) {
  if (node.prim == Prim::time || node.prim == Prim::carry) return node.attrs.loop;
  if (node.prim == Prim::last || node.prim == Prim::collect) return -1;
  int32_t loop = -1;
  for (NodeId input : node.inputs) {
    if (known[input] == -1 || known[input] == loop) continue;
    if (loop != -1)
      throw SpecError("graph", fmt::format("{} has operands in loops {} and {}: loops over time cannot be nested",
                                           prim_name(node.prim), loop, known[input]));
    loop = known[input];
  }
  return loop;
}

std::vector<int32_t> loop_of(const Graph& graph) {
  std::vector<int32_t> loops;
  loops.reserve(graph.nodes.size());
  for (const Node& node : graph.nodes) loops.push_back(loop_of_node(node, loops));
  return loops;
}

}  // namespace shoal
