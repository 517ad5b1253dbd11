// Sums over the iterations of a loop, taken after it.
#pragma once

#include <map>

#include "compiler/graph/scope.h"

namespace shoal {

// Which loop nodes of a growing graph are in.
class LoopMembership {
 public:
  explicit LoopMembership(const Graph& graph) : graph_(graph) {}
  int32_t operator[](NodeId);

 private:
  const Graph& graph_;
  std::vector<int32_t> known_;
};

// Values of a loop, all of whose nodes exist, as sequences and as sums. A contraction is summed by one contraction over
// the sequences of its operands, so that the gradient of a weight is one large product, and no accumulator is carried.
class SumOverTime {
 public:
  SumOverTime(Scope&, LoopMembership&, int32_t loop);

  Value sequence(Value);  // [T, ...]: the value at each time
  Value sum(Value);       // over all iterations

 private:
  Scope& scope_;
  LoopMembership& loops_;
  const int32_t loop_;
  const int64_t extent_;
  std::map<NodeId, NodeId> sums_;

  bool is_inside(NodeId id) { return loops_[id] == loop_; }
  Value fresh_sum(Value);
  Value sum_contract(const Node&);
  Value sum_reduce(const Node&);
};

}  // namespace shoal
