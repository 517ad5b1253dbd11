// What a scalar primitive computes from one element of each operand, in double precision.
#include "compiler/graph/scalar.h"

#include <cmath>

#include "compiler/graph/shuffle.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

uint32_t bits(double x) { return static_cast<uint32_t>(static_cast<int64_t>(x)); }
double wrapped(uint32_t x) { return static_cast<double>(static_cast<int32_t>(x)); }

double integer_division(double a, double b, bool remainder) {
  if (b == 0) throw SpecError("graph", "division of an i32 by zero");
  return wrapped(remainder ? bits(a) % bits(b) : bits(a) / bits(b));
}

double converted(double x, DType to) {
  switch (to) {
    case DType::f32:
    case DType::f16:
    case DType::bf16: return x;
    case DType::i32:
      if (std::isnan(x)) return 0;
      if (x <= -2147483648.0) return -2147483648.0;
      return x >= 2147483647.0 ? 2147483647.0 : std::trunc(x);
    case DType::boolean: return x != 0 ? 1 : 0;
  }
  return x;
}

double shuffled(double i, int64_t n, double key, double epoch) {
  if (!(i >= 0 && i < static_cast<double>(n))) throw SpecError("graph", fmt::format("shuffle of {} among {}", i, n));
  return shuffle_index(bits(i), static_cast<uint32_t>(n), bits(key), bits(epoch));
}

}  // namespace

double scalar_value(Prim prim, DType operand, DType result, int64_t n, const double* args) {
  const bool integer = operand == DType::i32;
  const double a = args[0];
  switch (prim) {
    case Prim::add: return integer ? wrapped(bits(a) + bits(args[1])) : a + args[1];
    case Prim::sub: return integer ? wrapped(bits(a) - bits(args[1])) : a - args[1];
    case Prim::mul: return integer ? wrapped(bits(a) * bits(args[1])) : a * args[1];
    case Prim::div: return integer ? integer_division(a, args[1], false) : a / args[1];
    case Prim::rem: return integer_division(a, args[1], true);
    case Prim::max: return a > args[1] ? a : args[1];
    case Prim::min: return a < args[1] ? a : args[1];
    case Prim::neg: return -a;
    case Prim::abs: return std::fabs(a);
    case Prim::floor: return std::floor(a);
    case Prim::sqrt: return std::sqrt(a);
    case Prim::exp: return std::exp(a);
    case Prim::log: return std::log(a);
    case Prim::tanh: return std::tanh(a);
    case Prim::sigmoid: return 1 / (1 + std::exp(-a));
    case Prim::erf: return std::erf(a);
    case Prim::sin: return std::sin(a);
    case Prim::cos: return std::cos(a);
    case Prim::lt: return a < args[1];
    case Prim::le: return a <= args[1];
    case Prim::eq: return a == args[1];
    case Prim::logical_and: return a != 0 && args[1] != 0;
    case Prim::logical_or: return a != 0 || args[1] != 0;
    case Prim::logical_not: return a == 0;
    case Prim::select: return a != 0 ? args[1] : args[2];
    case Prim::cast: return converted(a, result);
    case Prim::stop_gradient: return a;
    case Prim::shuffle: return shuffled(a, n, args[1], args[2]);
    case Prim::input:
    case Prim::constant:
    case Prim::index:
    case Prim::position:
    case Prim::step:
    case Prim::broadcast:
    case Prim::reshape:
    case Prim::transpose:
    case Prim::slice:
    case Prim::pad:
    case Prim::concat:
    case Prim::gather:
    case Prim::window:
    case Prim::unwindow:
    case Prim::reduce:
    case Prim::contract:
    case Prim::time:
    case Prim::carry:
    case Prim::last:
    case Prim::collect: break;
  }
  throw InternalError(fmt::format("internal error: {} is no scalar primitive", prim_name(prim)));
}

}  // namespace shoal
