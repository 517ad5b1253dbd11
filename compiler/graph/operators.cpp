// Operators on values: scalar primitives with NumPy broadcasting of unit shapes.
#include <algorithm>

#include "compiler/graph/scope.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

Value unary(Prim prim, Value x) { return x.scope->add({.prim = prim, .inputs = {x.id}}); }

// The shape to which NumPy broadcasts `a` and `b`.
Shape joint_shape(const Shape& a, const Shape& b) {
  const size_t rank = std::max(a.size(), b.size());
  Shape joint(rank);
  for (size_t d = 0; d < rank; ++d) {
    const int64_t x = d + a.size() < rank ? 1 : a[d + a.size() - rank];
    const int64_t y = d + b.size() < rank ? 1 : b[d + b.size() - rank];
    if (x != y && x != 1 && y != 1)
      throw SpecError("graph", fmt::format("shapes {} and {} do not broadcast", shape_text(a), shape_text(b)));
    joint[d] = x == 1 ? y : x;
  }
  return joint;
}

// The operand as a scalar primitive takes it: rank 0 passes as it is.
NodeId operand(Value x, const Shape& joint) { return x.shape().empty() ? x.id : broadcast_to(x, joint).id; }

Value binary(Prim prim, Value a, Value b) {
  const Shape joint = joint_shape(a.shape(), b.shape());
  const NodeId left = operand(a, joint), right = operand(b, joint);
  return a.scope->add({.prim = prim, .inputs = {left, right}});
}

Value number_like(Value x, double number) { return x.scope->constant(number, x.dtype()); }

}  // namespace

Value operator+(Value a, Value b) { return binary(Prim::add, a, b); }
Value operator-(Value a, Value b) { return binary(Prim::sub, a, b); }
Value operator*(Value a, Value b) { return binary(Prim::mul, a, b); }
Value operator/(Value a, Value b) { return binary(Prim::div, a, b); }
Value operator-(Value x) { return x.dtype() == DType::i32 ? 0.0 - x : unary(Prim::neg, x); }
Value operator+(Value a, double b) { return a + number_like(a, b); }
Value operator-(Value a, double b) { return a - number_like(a, b); }
Value operator*(Value a, double b) { return a * number_like(a, b); }
Value operator/(Value a, double b) { return a / number_like(a, b); }
Value operator+(double a, Value b) { return number_like(b, a) + b; }
Value operator-(double a, Value b) { return number_like(b, a) - b; }
Value operator*(double a, Value b) { return number_like(b, a) * b; }
Value operator/(double a, Value b) { return number_like(b, a) / b; }
Value operator<(Value a, Value b) { return binary(Prim::lt, a, b); }
Value operator<=(Value a, Value b) { return binary(Prim::le, a, b); }
Value equal(Value a, Value b) { return binary(Prim::eq, a, b); }
Value max(Value a, Value b) { return binary(Prim::max, a, b); }
Value max(double a, Value b) { return binary(Prim::max, number_like(b, a), b); }
Value min(Value a, Value b) { return binary(Prim::min, a, b); }
Value abs(Value x) { return unary(Prim::abs, x); }
Value floor(Value x) { return unary(Prim::floor, x); }
Value sqrt(Value x) { return unary(Prim::sqrt, x); }
Value exp(Value x) { return unary(Prim::exp, x); }
Value log(Value x) { return unary(Prim::log, x); }
Value tanh(Value x) { return unary(Prim::tanh, x); }
Value erf(Value x) { return unary(Prim::erf, x); }
Value sin(Value x) { return unary(Prim::sin, x); }
Value cos(Value x) { return unary(Prim::cos, x); }
Value logical_not(Value x) { return unary(Prim::logical_not, x); }
Value logical_and(Value a, Value b) { return binary(Prim::logical_and, a, b); }
Value logical_or(Value a, Value b) { return binary(Prim::logical_or, a, b); }

Value select(Value condition, Value a, Value b) {
  const Shape joint = joint_shape(condition.shape(), joint_shape(a.shape(), b.shape()));
  const NodeId c = operand(condition, joint), x = operand(a, joint), y = operand(b, joint);
  return a.scope->add({.prim = Prim::select, .inputs = {c, x, y}});
}
Value select(Value condition, Value a, double b) { return select(condition, a, number_like(a, b)); }

Value cast(Value x, DType dtype) {
  if (x.dtype() == dtype) return x;
  return x.scope->add({.prim = Prim::cast, .inputs = {x.id}, .attrs = {.dtype = dtype}});
}
Value stop_gradient(Value x) { return unary(Prim::stop_gradient, x); }
Value rem(Value a, Value b) { return binary(Prim::rem, a, b); }
Value rem(Value a, double b) { return rem(a, number_like(a, b)); }

Value shuffle(Value i, Value key, Value epoch, int64_t n) {
  const Shape joint = joint_shape(i.shape(), joint_shape(key.shape(), epoch.shape()));
  const NodeId x = operand(i, joint), k = operand(key, joint), e = operand(epoch, joint);
  return i.scope->add({.prim = Prim::shuffle, .inputs = {x, k, e}, .attrs = {.n = n}});
}

}  // namespace shoal
