// The gradients that reverse accumulation has found so far.
#include "compiler/passes/gradients.h"

#include "compiler/support/error.h"

namespace shoal {

void Gradients::add(NodeId operand, Value part) {
  const Node& node = scope_.graph()[operand];
  if (part.varies().member && !node.varies.member)
    throw SpecError("graph", fmt::format("the gradient of {} would sum over members, which are independent: a trained "
                                         "value must vary over member",
                                         node.name.empty() ? prim_name(node.prim) : *node.name));
  NodeId& total = totals_[operand];
  total = total == no_node ? part.id : (Value{&scope_, total} + part).id;
}

}  // namespace shoal
