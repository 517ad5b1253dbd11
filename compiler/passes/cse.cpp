// cse: nodes with the same primitive, inputs and attributes become one.
#include <bit>
#include <unordered_map>
#include <utility>

#include "compiler/passes/passes.h"
#include "compiler/passes/rewrite.h"

namespace shoal {
namespace {

// A text that is equal exactly for nodes that compute the same. Bits of `value`, so that 0 and -0 differ and NaN is
// itself.
std::string identity(const Node& node) {
  const Attrs& a = node.attrs;
  std::string key;
  key.reserve(256);
  const auto append = [&key](int64_t x) { key.append(reinterpret_cast<const char*>(&x), sizeof x); };
  const auto append_list = [&append](const auto& list) {
    append(std::ssize(list));
    for (const auto& x : list) append(static_cast<int64_t>(x));
  };
  append(static_cast<int64_t>(node.prim));
  append_list(node.inputs);
  append(std::bit_cast<int64_t>(a.value));
  append(static_cast<int64_t>(a.dtype));
  for (const auto* list : {&a.shape, &a.dims, &a.low, &a.high, &a.kernel, &a.stride}) append_list(*list);
  append(a.dim);
  append(a.n);
  append(static_cast<int64_t>(a.reduction));
  append(a.over_sample);
  append(a.loop);
  for (const auto* letters : {&a.a, &a.b, &a.out}) append_list(*letters);
  return key;
}

}  // namespace

Graph cse(Graph graph) {
  std::unordered_map<std::string, NodeId> known;
  known.reserve(graph.nodes.size());
  // What a carry advances to must follow it, so it stays where it is. Carries themselves differ by what they become.
  std::vector<bool> stays(graph.nodes.size(), false);
  for (const Loop& loop : graph.loops)
    for (const auto& [carry, next] : loop.carried) stays[carry] = stays[next] = true;
  return rewrite(std::move(graph), [&](Graph& result, Node node, NodeId old_id) {
    if (node.prim == Prim::input || stays[old_id]) return result.add(std::move(node));
    const auto [place, is_new] = known.try_emplace(identity(node), no_node);
    if (is_new) place->second = result.add(std::move(node));
    return place->second;
  });
}

}  // namespace shoal
