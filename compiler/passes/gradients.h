// The gradients that reverse accumulation has found so far.
#pragma once

#include "compiler/graph/scope.h"

namespace shoal {

class Gradients {
 public:
  Gradients(Scope& scope, size_t count) : scope_(scope), totals_(count, no_node) {}

  bool reached(NodeId id) const { return totals_[id] != no_node; }
  Value operator[](NodeId id) const { return {&scope_, totals_[id]}; }

  // Adds a part of the gradient of `operand`. Throws SpecError when that would sum over members.
  void add(NodeId operand, Value part);

 private:
  Scope& scope_;
  std::vector<NodeId> totals_;
};

}  // namespace shoal
