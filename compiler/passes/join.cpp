// join: a sum of pieces padded with zeros is their concatenation, where they lie side by side. The gradient of a value
// that is read in slices is such a sum.
#include <algorithm>
#include <optional>
#include <utility>

#include "compiler/passes/passes.h"
#include "compiler/passes/rewrite.h"

namespace shoal {
namespace {

bool is_zero_pad(const Node& node) {
  return node.prim == Prim::pad && node.attrs.value == 0 && node.dtype == DType::f32;
}

// The dimension along which one pad's piece ends where the other's begins, all else being equal.
std::optional<size_t> meet(const Node& first, const Node& second) {
  std::optional<size_t> along;
  for (size_t d = 0; d < first.shape.size(); ++d) {
    if (first.attrs.low[d] == second.attrs.low[d] && first.attrs.high[d] == second.attrs.high[d]) continue;
    if (along || first.shape[d] - first.attrs.high[d] != second.attrs.low[d]) return {};
    along = d;
  }
  return along;
}

NodeId joined(Graph& graph, NodeId first, NodeId second, size_t dim) {
  Node whole{.prim = Prim::concat, .attrs = {.dim = static_cast<int64_t>(dim)}};
  for (const NodeId piece : {graph[first].inputs[0], graph[second].inputs[0]}) {
    const Node& node = graph[piece];
    if (node.prim == Prim::concat && node.attrs.dim == whole.attrs.dim)
      whole.inputs.append(node.inputs);
    else
      whole.inputs.push_back(piece);
  }
  const SharedList low = graph[first].attrs.low;
  std::vector<int64_t> high = graph[first].attrs.high;
  high[dim] = graph[second].attrs.high[dim];
  const bool is_all = std::ranges::count(low, 0) + std::ranges::count(high, 0) == 2 * std::ssize(high);
  const NodeId inner = graph.add(std::move(whole));
  if (is_all) return inner;
  return graph.add({.prim = Prim::pad, .inputs = {inner}, .attrs = {.low = low, .high = std::move(high)}});
}

}  // namespace

Graph join(Graph graph) {
  if (std::ranges::count_if(graph.nodes, is_zero_pad) < 2) return graph;
  return rewrite(std::move(graph), [](Graph& result, Node&& node, NodeId) {
    if (node.prim != Prim::add) return result.append(std::move(node));
    for (const auto& [a, b] : {std::pair{0, 1}, std::pair{1, 0}}) {
      const Node &first = result[node.inputs[a]], &second = result[node.inputs[b]];
      if (!is_zero_pad(first) || !is_zero_pad(second) || first.shape != second.shape) continue;
      if (const auto dim = meet(first, second)) return joined(result, node.inputs[a], node.inputs[b], *dim);
    }
    return result.append(std::move(node));
  });
}

}  // namespace shoal
