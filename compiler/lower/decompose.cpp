// Decompose: which scalar primitives the targets lack, and who writes each in kernel opcodes.
#include "compiler/lower/decompose.h"

#include <iterator>

#include "compiler/lower/decompose_functions.h"
#include "compiler/support/error.h"

namespace shoal::lower {

using kernel::Builder;
using kernel::Op;

int32_t polynomial(Builder& b, int32_t z, std::initializer_list<float> coefficients) {
  auto c = std::rbegin(coefficients);
  int32_t sum = b.constant(*c);
  for (++c; c != std::rend(coefficients); ++c) sum = b.emit(Op::fma, sum, z, b.constant(*c));
  return sum;
}

int32_t clamp(Builder& b, int32_t x, float low, float high) {
  return b.emit(Op::max, b.constant(low), b.emit(Op::min, b.constant(high), x));
}

int32_t decompose(Builder& b, Prim prim, const int32_t args[3], int64_t n, Functions functions) {
  if (prim == Prim::exp && functions == Functions::gpu_fast) return decompose_fast_exp(b, args[0]);
  if (prim == Prim::exp) return decompose_exp(b, args[0]);
  if (prim == Prim::log) return decompose_log(b, args[0]);
  if (prim == Prim::tanh && functions != Functions::accurate) return decompose_tanh_by_exp2(b, args[0]);
  if (prim == Prim::tanh) return decompose_tanh(b, args[0]);
  if (prim == Prim::sigmoid && functions != Functions::accurate) return decompose_sigmoid_by_exp2(b, args[0]);
  if (prim == Prim::sigmoid) return decompose_sigmoid(b, args[0]);
  if (prim == Prim::erf) return decompose_erf(b, args[0]);
  if (prim == Prim::sin) return decompose_sin(b, args[0]);
  if (prim == Prim::cos) return decompose_cos(b, args[0]);
  if (prim == Prim::shuffle) return decompose_shuffle(b, args[0], args[1], args[2], n);
  throw InternalError(fmt::format("internal error: no decomposition of {}", prim_name(prim)));
}

}  // namespace shoal::lower
