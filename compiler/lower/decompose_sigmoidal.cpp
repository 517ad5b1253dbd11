// tanh and erf in f32 kernel opcodes: odd rationals with a true division. Coefficients: tools/fit/fit.py.
#include "compiler/lower/decompose_functions.h"

namespace shoal::lower {

using kernel::Builder;
using kernel::Op;

namespace {
constexpr float twice_log2_e = 2.88539004f;
}

// x P(x^2) / Q(x^2) is odd to the last bit. P and Q both start with exactly 1, so tanh(x) is x for the smallest x.
// Where rounding would lift the result above 1, the last clamp holds it: 1 - tanh^2 may not be negative.
// x (P / Q) rounds better than (x P) / Q. The fitted coefficients are moved by a few units of the last place to where
// the worst error over every float from 0.03 to 9.5 is least: 4.98 ulp.
int32_t decompose_tanh(Builder& b, int32_t x0) {
  const int32_t x = clamp(b, x0, -9.0f, 9.0f);
  const int32_t z = b.emit(Op::mul, x, x);
  const int32_t p = polynomial(b, z, {1.0f, 0.133839741f, 0.00349899847f, 2.06612731e-05f, 1.34199887e-08f});
  const int32_t q = polynomial(b, z, {1.0f, 0.467172861f, 0.0258902088f, 0.000329104019f, 7.80475432e-07f});
  return clamp(b, b.emit(Op::mul, x, b.emit(Op::div, p, q)), -1.0f, 1.0f);
}

// 1 - 2 / (e^2|x| + 1), whose last places are the sum's, down to where tanh is 1/2, and an odd polynomial below. At
// most 4 ulp off if exp2 misses by 2 and rcp by 1; with the sign put back at the end it is odd (but for -0), and never
// above 1.
int32_t decompose_tanh_by_exp2(Builder& b, int32_t x) {
  const int32_t one = b.constant(1.0f), size = b.emit(Op::abs, x);
  const int32_t power = b.emit(Op::exp2, b.emit(Op::mul, size, b.constant(twice_log2_e)));
  const int32_t large = b.emit(Op::fma, b.constant(-2.0f), b.emit(Op::rcp, b.emit(Op::add, power, one)), one);
  const int32_t sign = b.emit(Op::band, b.emit(Op::bits_i32, x), b.constant_i32(INT32_MIN));
  const int32_t with_sign = b.emit(Op::bits_f32, b.emit(Op::bor, b.emit(Op::bits_i32, large), sign));
  const int32_t z = b.emit(Op::mul, x, x);
  const int32_t p = polynomial(b, z, {-0.333329469f, 0.133207217f, -0.05267125f, 0.0164360609f});
  const int32_t small = b.emit(Op::fma, b.emit(Op::mul, p, z), x, x);
  return b.emit(Op::select, b.emit(Op::lt, size, b.constant(0.55f)), small, with_sign);
}

// 1 - 2 / (e^2x + 1) for all x: where tanh is near 0, what is left of 1 has the last places of 1. It is within [-1, 1]
// as the quotient is within [0, 2], and 1 and -1 where e^2x is infinite and 0.
int32_t decompose_fast_tanh(Builder& b, int32_t x) {
  const int32_t one = b.constant(1.0f);
  const int32_t power = b.emit(Op::exp2, b.emit(Op::mul, x, b.constant(twice_log2_e)));
  return b.emit(Op::fma, b.constant(-2.0f), b.emit(Op::rcp, b.emit(Op::add, power, one)), one);
}

// From 3.95 on erf is 1 to the last bit.
int32_t decompose_erf(Builder& b, int32_t x0) {
  const int32_t x = clamp(b, x0, -3.95f, 3.95f);
  const int32_t z = b.emit(Op::mul, x, x);
  const int32_t p =
      polynomial(b, z, {1.12837911f, 0.199097499f, 0.0538492054f, 0.00412094872f, 0.000289805612f, 1.94531481e-06f});
  const int32_t q =
      polynomial(b, z, {1.0f, 0.509777367f, 0.117655776f, 0.0156885199f, 0.00124266907f, 3.72590584e-05f});
  return clamp(b, b.emit(Op::div, b.emit(Op::mul, x, p), q), -1.0f, 1.0f);
}

}  // namespace shoal::lower
