// recompute: a loop over time computes again what it needs of another one, instead of reading all of it from memory.
#include <map>
#include <utility>

#include "compiler/graph/loops.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/rewrite.h"

namespace shoal {
namespace {

class Recomputation {
 public:
  explicit Recomputation(const Graph& graph)
      : graph_(graph), loops_(loop_of(graph)), replaced_(graph.nodes.size(), no_node) {}

  Graph run() {
    return rewrite(graph_, [this](Graph& result, Node&& node, NodeId old) {
      replaced_[old] = reads_stash(old) ? again(result, stashed(old), node.inputs[1]) : result.add(std::move(node));
      return replaced_[old];
    });
  }

 private:
  // gather(collect(x, one loop), time(another loop)), where x is worth computing again.
  bool reads_stash(NodeId id) const {
    const Node& node = graph_[id];
    if (node.prim != Prim::gather || graph_[node.inputs[0]].prim != Prim::collect) return false;
    return graph_[node.inputs[1]].prim == Prim::time && !stays(stashed(id));
  }

  NodeId stashed(NodeId gather) const { return graph_[graph_[gather].inputs[0]].inputs[0]; }

  bool stays(NodeId id) const {
    return graph_[id].prim == Prim::carry || graph_[id].prim == Prim::shuffle ||
           prim_kind(graph_[id].prim) == PrimKind::sum;
  }

  // The value that node `id` of a loop has at `time` of another one.
  NodeId again(Graph& result, NodeId id, NodeId time) {
    if (loops_[id] < 0) return replaced_[id];
    if (graph_[id].prim == Prim::time) return time;
    const auto known = again_.find({id, time});
    if (known != again_.end()) return known->second;
    Node node = graph_[id];
    if (stays(id)) {
      const NodeId stash =
          result.add({.prim = Prim::collect, .inputs = {replaced_[id]}, .attrs = {.loop = loops_[id]}});
      node = {.prim = Prim::gather, .inputs = {stash, time}};
    } else {
      for (NodeId& input : node.inputs) input = again(result, input, time);
      node.name = {};
    }
    return again_[{id, time}] = result.add(std::move(node));
  }

  const Graph& graph_;
  const std::vector<int32_t> loops_;
  std::vector<NodeId> replaced_;                       // by node: what it is in the result
  std::map<std::pair<NodeId, NodeId>, NodeId> again_;  // by node and time (of the result)
};

}  // namespace

Graph recompute(const Graph& graph) { return Recomputation(graph).run(); }

}  // namespace shoal
