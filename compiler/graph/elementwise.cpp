// Scalar primitives on operands of different unit shapes.
#include "compiler/graph/elementwise.h"

#include <algorithm>

#include "compiler/graph/scope.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

// The shape to which NumPy broadcasts `a` and `b`.
Shape joint_shape(const Shape& a, const Shape& b) {
  const size_t rank = std::max(a.size(), b.size());
  Shape joint(rank);
  for (size_t d = 0; d < rank; ++d) {
    const int64_t x = d + a.size() < rank ? 1 : a[d + a.size() - rank];
    const int64_t y = d + b.size() < rank ? 1 : b[d + b.size() - rank];
    if (x != y && x != 1 && y != 1)
      throw SpecError("graph", fmt::format("shapes {} and {} do not broadcast", shape_text(a), shape_text(b)));
    joint[d] = x == 1 ? y : x;
  }
  return joint;
}

// Whether all operands with dimensions have the same ones: then there is nothing to broadcast.
bool equal_shapes(const Graph& graph, const Node& node) {
  const SharedList* shape = nullptr;
  for (const NodeId id : node.inputs) {
    if (graph[id].shape.empty()) continue;
    if (shape && graph[id].shape != *shape) return false;
    shape = &graph[id].shape;
  }
  return true;
}

}  // namespace

NodeId add_elementwise(Graph& graph, Node node) {
  if (equal_shapes(graph, node)) return graph.add(std::move(node));
  Scope scope(graph);
  Shape joint;
  for (NodeId id : node.inputs) joint = joint_shape(joint, graph[id].shape);
  for (NodeId& id : node.inputs)
    if (!graph[id].shape.empty()) id = broadcast_to({&scope, id}, joint).id;
  return graph.add(std::move(node));
}

}  // namespace shoal
