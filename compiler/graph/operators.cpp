// Operators on values: scalar primitives with NumPy broadcasting of unit shapes.
#include "compiler/graph/elementwise.h"
#include "compiler/graph/scope.h"

namespace shoal {
namespace {

Value unary(Prim prim, Value x) { return x.scope->add({.prim = prim, .inputs = {x.id}}); }

Value binary(Prim prim, Value a, Value b) {
  return {a.scope, add_elementwise(a.scope->graph(), {.prim = prim, .inputs = {a.id, b.id}})};
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
Value sigmoid(Value x) { return unary(Prim::sigmoid, x); }
Value erf(Value x) { return unary(Prim::erf, x); }
Value sin(Value x) { return unary(Prim::sin, x); }
Value cos(Value x) { return unary(Prim::cos, x); }
Value logical_not(Value x) { return unary(Prim::logical_not, x); }
Value logical_and(Value a, Value b) { return binary(Prim::logical_and, a, b); }
Value logical_or(Value a, Value b) { return binary(Prim::logical_or, a, b); }

Value select(Value condition, Value a, Value b) {
  Graph& graph = a.scope->graph();
  return {a.scope, add_elementwise(graph, {.prim = Prim::select, .inputs = {condition.id, a.id, b.id}})};
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
  Node node{.prim = Prim::shuffle, .inputs = {i.id, key.id, epoch.id}, .attrs = {.n = n}};
  return {i.scope, add_elementwise(i.scope->graph(), std::move(node))};
}

}  // namespace shoal
