// cse: nodes with the same primitive, inputs and attributes become one.
#include <bit>
#include <cstdint>
#include <tuple>
#include <utility>

#include "compiler/passes/passes.h"
#include "compiler/passes/rewrite.h"

namespace shoal {
namespace {

// What decides which value a node computes. Bits of `value`, so that 0 and -0 differ and NaN is itself.
auto decisive(const Attrs& a) {
  return std::tuple(std::bit_cast<int64_t>(a.value), a.dtype, a.dim, a.n, a.reduction, a.over_sample, a.loop);
}

bool computes_the_same(const Node& x, const Node& y) {
  const Attrs &a = x.attrs, &b = y.attrs;
  return x.prim == y.prim && x.inputs == y.inputs && decisive(a) == decisive(b) && a.shape == b.shape &&
         a.dims == b.dims && a.low == b.low && a.high == b.high && a.kernel == b.kernel && a.stride == b.stride &&
         a.a == b.a && a.b == b.b && a.out == b.out;
}

// Equal for nodes that compute the same; attributes that seldom differ alone are left out.
size_t hash(const Node& node) {
  size_t result = static_cast<size_t>(node.prim);
  const auto mix = [&result](uint64_t x) { result = (result ^ x) * 0x9e3779b97f4a7c15 + (result >> 29); };
  for (const NodeId input : node.inputs) mix(input);
  mix(std::bit_cast<uint64_t>(node.attrs.value));
  for (const auto* list : {&node.attrs.shape, &node.attrs.dims, &node.attrs.low})
    for (const int64_t x : *list) mix(static_cast<uint64_t>(x));
  return result;
}

// The nodes that stand already, in chains of those whose hashes share their low bits.
class Known {
 public:
  explicit Known(size_t nodes) : newest_(std::bit_ceil(nodes + 1), no_node), older_(nodes, no_node) {}

  // One that computes the same as `node`, or no_node.
  NodeId find(const Graph& graph, const Node& node, size_t hash) const {
    NodeId id = newest_[chain(hash)];
    while (id != no_node && !computes_the_same(graph[id], node)) id = older_[id];
    return id;
  }
  void add(NodeId id, size_t hash) { older_[id] = std::exchange(newest_[chain(hash)], id); }

 private:
  size_t chain(size_t hash) const { return hash & (newest_.size() - 1); }

  std::vector<NodeId> newest_, older_;  // by chain; by node
};

}  // namespace

Graph cse(Graph graph) {
  Known known(graph.nodes.size());
  // What a carry advances to must follow it, so it stays where it is. Carries themselves differ by what they become.
  std::vector<bool> stays(graph.nodes.size(), false);
  for (const Loop& loop : graph.loops)
    for (const auto& [carry, next] : loop.carried) stays[carry] = stays[next] = true;
  return rewrite(std::move(graph), [&](Graph& result, Node&& node, NodeId old_id) {
    if (node.prim == Prim::input || stays[old_id]) return result.append(std::move(node));
    const size_t key = hash(node);
    const NodeId same = known.find(result, node, key);
    if (same != no_node) return same;
    const NodeId made = result.append(std::move(node));
    known.add(made, key);
    return made;
  });
}

}  // namespace shoal
