// tanh, sigmoid and erf in f32 kernel opcodes: odd rationals with a true division. Coefficients: tools/fit/fit.py.
#include "compiler/lower/decompose_functions.h"

namespace shoal::lower {

using kernel::Builder;
using kernel::Op;

namespace {
constexpr float twice_log2_e = 2.88539004f;

// Of tanh on [-9, 9]. Both start with exactly 1, so tanh(x) is x for the smallest x. The fitted coefficients are moved
// by a few units of the last place to where the worst error over every float from 0.03 to 9.5 is least: 4.98 ulp.
constexpr float tanh_p[] = {1.0f, 0.133839741f, 0.00349899847f, 2.06612731e-05f, 1.34199887e-08f};
constexpr float tanh_q[] = {1.0f, 0.467172861f, 0.0258902088f, 0.000329104019f, 7.80475432e-07f};
constexpr float tanh_end = 81;  // of x^2

}  // namespace

// x P(x^2) / Q(x^2) is odd to the last bit. Beyond the fit P / Q stays what it is at its end, and x P / Q grows. Where
// that or rounding lifts the result above 1, the clamp holds it: 1 - tanh^2 may not be negative. x (P / Q) rounds
// better than (x P) / Q.
int32_t decompose_tanh(Builder& b, int32_t x) {
  const int32_t z = b.emit(Op::min, b.emit(Op::mul, x, x), b.constant(tanh_end));
  const int32_t p = polynomial(b, z, {tanh_p[0], tanh_p[1], tanh_p[2], tanh_p[3], tanh_p[4]});
  const int32_t q = polynomial(b, z, {tanh_q[0], tanh_q[1], tanh_q[2], tanh_q[3], tanh_q[4]});
  return clamp(b, b.emit(Op::mul, x, b.emit(Op::div, p, q)), -1.0f, 1.0f);
}

// 1/2 + tanh(x / 2) / 2, with the powers of 2 in the coefficients, where they cost no rounding.
int32_t decompose_sigmoid(Builder& b, int32_t x) {
  const int32_t z = b.emit(Op::min, b.emit(Op::mul, x, x), b.constant(4 * tanh_end));
  const int32_t p =
      polynomial(b, z, {tanh_p[0] / 4, tanh_p[1] / 16, tanh_p[2] / 64, tanh_p[3] / 256, tanh_p[4] / 1024});
  const int32_t q = polynomial(b, z, {tanh_q[0], tanh_q[1] / 4, tanh_q[2] / 16, tanh_q[3] / 64, tanh_q[4] / 256});
  return clamp(b, b.emit(Op::fma, x, b.emit(Op::div, p, q), b.constant(0.5f)), 0.0f, 1.0f);
}

// 1 / (1 + e^-x), which is 0 and 1 where e^-x is infinite and 0.
int32_t decompose_sigmoid_by_exp2(Builder& b, int32_t x) {
  const int32_t power = b.emit(Op::exp2, b.emit(Op::mul, x, b.constant(-twice_log2_e / 2)));
  return b.emit(Op::rcp, b.emit(Op::add, power, b.constant(1.0f)));
}

// 1 - 2 / (e^2x + 1): where tanh is near 0, what is left of 1 has the last places of 1. It is within [-1, 1] as the
// quotient is within [0, 2], and 1 and -1 where e^2x is infinite and 0. Where x itself is as near to tanh, x^3 / 3 from
// it, it is x, so that small numbers keep all their places.
int32_t decompose_tanh_by_exp2(Builder& b, int32_t x) {
  const int32_t one = b.constant(1.0f);
  const int32_t power = b.emit(Op::exp2, b.emit(Op::mul, x, b.constant(twice_log2_e)));
  const int32_t large = b.emit(Op::fma, b.constant(-2.0f), b.emit(Op::rcp, b.emit(Op::add, power, one)), one);
  return b.emit(Op::select, b.emit(Op::lt, b.emit(Op::abs, x), b.constant(0.009f)), x, large);
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
