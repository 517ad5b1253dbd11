// differentiate: reverse accumulation over the arena, which is already in topological order.
#include "compiler/graph/loops.h"
#include "compiler/passes/derivative.h"
#include "compiler/passes/differentiate_loop.h"
#include "compiler/passes/gradients.h"
#include "compiler/passes/passes.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

// Which nodes up to `loss` a gradient must pass: those that depend on a `wrt` through differentiable operands.
std::vector<bool> dependents(const Graph& graph, NodeId loss, const std::vector<NodeId>& wrt) {
  std::vector<bool> depends(loss + 1, false);
  for (NodeId id : wrt)
    if (id <= loss) depends[id] = true;
  const auto mark = [&] {
    for (NodeId id = 0; id <= loss; ++id) {
      const Node& node = graph[id];
      for (size_t i = 0; i < node.inputs.size(); ++i)
        if (depends[node.inputs[i]] && passes_gradient(graph, node, i)) depends[id] = true;
    }
  };
  // A carry depends on what it advances to, and that may make more nodes before it depend.
  mark();
  for (bool again = !graph.loops.empty(); again;) {
    again = false;
    for (const Loop& loop : graph.loops)
      for (const auto& [carry, next] : loop.carried)
        if (next <= loss && depends[next] && !depends[carry] && graph[carry].dtype == DType::f32)
          again = depends[carry] = true;
    if (again) mark();
  }
  return depends;
}

void check_arguments(const Graph& graph, const std::vector<int32_t>& loops, NodeId loss,
                     const std::vector<NodeId>& wrt) {
  check(loss < graph.nodes.size(), "differentiate: no such loss");
  const Node& node = graph[loss];
  if (!node.shape.empty() || node.dtype != DType::f32 || node.varies.sample)
    throw SpecError("graph",
                    fmt::format("the loss must be one f32 number for all samples, got {}{}{}", dtype_name(node.dtype),
                                shape_text(node.shape), node.varies.sample ? " for each sample" : ""));
  if (loops[loss] >= 0) throw SpecError("graph", "the loss must be outside of loops over time");
  for (NodeId id : wrt) {
    check(id < graph.nodes.size(), "differentiate: no such value");
    if (graph[id].dtype != DType::f32) throw SpecError("graph", "gradients are of f32 values only");
    if (loops[id] >= 0) throw SpecError("graph", "gradients are of values outside of loops over time only");
  }
}

}  // namespace

std::vector<NodeId> differentiate(Graph& graph, NodeId loss, const std::vector<NodeId>& wrt) {
  const std::vector<int32_t> loops = loop_of(graph);
  check_arguments(graph, loops, loss, wrt);
  const std::vector<bool> depends = dependents(graph, loss, wrt);
  std::vector<NodeId> end_of_loop(graph.loops.size(), 0);
  for (NodeId id = 0; id < loops.size(); ++id)
    if (loops[id] >= 0) end_of_loop[loops[id]] = id;
  Scope scope(graph);
  Gradients gradients(scope, loss + 1);
  gradients.add(loss, scope.constant(1));

  for (NodeId id = loss + 1; id-- > 0;) {
    if (loops[id] >= 0) {
      // All that leaves a loop stands behind its last node, and all that enters it before.
      if (id == end_of_loop[loops[id]]) differentiate_loop(scope, loops[id], loops, depends, gradients);
      continue;
    }
    if (!gradients.reached(id) || !depends[id]) continue;
    const Node node = graph[id];
    if (node.prim == Prim::last || node.prim == Prim::collect) continue;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!depends[node.inputs[i]] || !passes_gradient(graph, node, i)) continue;
      const auto part = derivative(scope, node, {&scope, id}, i, gradients[id]);
      if (part) gradients.add(node.inputs[i], *part);
    }
  }

  std::vector<NodeId> results;
  for (NodeId id : wrt) {
    const Value g = id <= loss && gradients.reached(id) ? gradients[id] : scope.constant(0);
    results.push_back(full_gradient(g, Shape(graph[id].shape)).id);
  }
  return results;
}

}  // namespace shoal
