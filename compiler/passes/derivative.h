// The derivative of one primitive with respect to one operand.
#pragma once

#include <optional>

#include "compiler/graph/scope.h"

namespace shoal {

// Whether a gradient passes from `node` to its operand number `operand` at all.
bool passes_gradient(const Graph&, const Node& node, size_t operand);

// What `node` adds to the gradient of its operand number `operand`, given its own gradient g; nothing when the
// primitive is flat in it. A gradient has the shape of its value, or rank 0 when all its elements are equal, and varies
// over no more than its value does: where the node repeats its operand (a rank-0 operand, samples), the result is
// already summed. Throws SpecError where that would need a sum over members.
// The node is given by value, with its result apart, so that a gradient computed elsewhere can read operands and result
// from where they are known there.
std::optional<Value> derivative(Scope&, const Node&, Value result, size_t operand, Value g);

// `g` with the given shape: a gradient of rank 0 is repeated.
Value full_gradient(Value g, const Shape&);

}  // namespace shoal
