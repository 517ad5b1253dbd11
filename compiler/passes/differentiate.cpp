// differentiate: reverse accumulation over the arena, which is already in topological order.
#include "compiler/passes/derivative.h"
#include "compiler/passes/passes.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

// Which nodes up to `loss` a gradient must pass: those that depend on a `wrt` through differentiable operands.
std::vector<bool> dependents(const Graph& graph, NodeId loss, const std::vector<NodeId>& wrt) {
  std::vector<bool> depends(loss + 1, false);
  for (NodeId id : wrt)
    if (id <= loss) depends[id] = true;
  for (NodeId id = 0; id <= loss; ++id) {
    const Node& node = graph[id];
    for (size_t i = 0; i < node.inputs.size(); ++i)
      if (depends[node.inputs[i]] && passes_gradient(graph, node, i)) depends[id] = true;
  }
  return depends;
}

void check_arguments(const Graph& graph, NodeId loss, const std::vector<NodeId>& wrt) {
  check(loss < graph.nodes.size(), "differentiate: no such loss");
  const Node& node = graph[loss];
  if (!node.shape.empty() || node.dtype != DType::f32 || node.varies.sample)
    throw SpecError("graph",
                    fmt::format("the loss must be one f32 number for all samples, got {}{}{}", dtype_name(node.dtype),
                                shape_text(node.shape), node.varies.sample ? " for each sample" : ""));
  for (NodeId id : wrt) {
    check(id < graph.nodes.size(), "differentiate: no such value");
    if (graph[id].dtype != DType::f32) throw SpecError("graph", "gradients are of f32 values only");
  }
}

}  // namespace

std::vector<NodeId> differentiate(Graph& graph, NodeId loss, const std::vector<NodeId>& wrt) {
  check_arguments(graph, loss, wrt);
  const std::vector<bool> depends = dependents(graph, loss, wrt);
  Scope scope(graph);
  std::vector<NodeId> gradients(loss + 1, no_node);
  gradients[loss] = scope.constant(1).id;

  for (NodeId id = loss + 1; id-- > 0;) {
    if (gradients[id] == no_node || !depends[id]) continue;
    const std::vector<NodeId> inputs = graph[id].inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!depends[inputs[i]] || !passes_gradient(graph, graph[id], i)) continue;
      const auto part = derivative(scope, id, i, {&scope, gradients[id]});
      if (!part) continue;
      const Node& operand = graph[inputs[i]];
      if (part->varies().member && !operand.varies.member)
        throw SpecError("graph",
                        fmt::format("the gradient of {} would sum over members, which are independent: a trained "
                                    "value must vary over member",
                                    operand.name.empty() ? prim_name(operand.prim) : operand.name));
      NodeId& total = gradients[inputs[i]];
      total = total == no_node ? part->id : (Value{&scope, total} + *part).id;
    }
  }

  std::vector<NodeId> results;
  for (NodeId id : wrt) {
    const Value g = id <= loss && gradients[id] != no_node ? Value{&scope, gradients[id]} : scope.constant(0);
    results.push_back(full_gradient(g, Shape(graph[id].shape)).id);
  }
  return results;
}

}  // namespace shoal
