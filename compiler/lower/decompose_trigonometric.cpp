// sin and cos in f32 kernel opcodes. Coefficients: tools/fit/fit.py.
#include <numbers>

#include "compiler/lower/decompose_functions.h"

namespace shoal::lower {

using kernel::Builder;
using kernel::Op;

namespace {

constexpr float pi_high = 3.14159274f, pi_middle = -8.74227766e-08f, pi_low = -3.43024902e-15f;

// (-1)^n sin(x - turns pi), where n stands in the low bits of `sum`, and turns = n for sin, n + 1/2 for cos.
// The first step of the reduction is exact: all terms are multiples of 2^-23 and the difference is below 2.
int32_t reduced_sin(Builder& b, int32_t x, int32_t turns, int32_t sum) {
  int32_t r = b.emit(Op::fma, turns, b.constant(-pi_high), x);
  r = b.emit(Op::fma, turns, b.constant(-pi_middle), r);
  r = b.emit(Op::fma, turns, b.constant(-pi_low), r);
  // Arguments beyond 2^22 pi have no turns to speak of; the clamp keeps what they give in the polynomial's range.
  // There, near pi/2, rounding can lift a result to 1 + 2^-23, never further. The clamp leaves room beyond pi/2, as
  // turns may be off by the rounding of x / pi - 1/2: by 2.2e-4 at |x| = 1e4, which is 7e-4 in r.
  r = clamp(b, r, -1.572f, 1.572f);
  const int32_t sign = b.emit(Op::shl, b.emit(Op::bits_i32, sum), b.constant_i32(31));
  r = b.emit(Op::bits_f32, b.emit(Op::bxor, b.emit(Op::bits_i32, r), sign));
  const int32_t z = b.emit(Op::mul, r, r);
  const int32_t p = polynomial(b, z, {-0.166666597f, 0.00833306927f, -0.000198097725f, 2.60607476e-06f});
  return b.emit(Op::fma, b.emit(Op::mul, r, z), p, r);
}

constexpr float one_over_pi = std::numbers::inv_pi_v<float>;

}  // namespace

int32_t decompose_sin(Builder& b, int32_t x) {
  const int32_t sum = b.emit(Op::fma, x, b.constant(one_over_pi), b.constant(rounding_magic));
  const int32_t n = b.emit(Op::sub, sum, b.constant(rounding_magic));
  return reduced_sin(b, x, n, sum);
}

// cos x = sin(x + pi/2) = (-1)^(n+1) sin(x - (n + 1/2) pi); an odd magic number turns n into n + 1 in the low bits.
int32_t decompose_cos(Builder& b, int32_t x) {
  const float magic = rounding_magic + 1;
  const int32_t half_back = b.emit(Op::fma, x, b.constant(one_over_pi), b.constant(-0.5f));
  const int32_t sum = b.emit(Op::add, half_back, b.constant(magic));
  const int32_t n = b.emit(Op::sub, sum, b.constant(magic));
  return reduced_sin(b, x, b.emit(Op::add, n, b.constant(0.5f)), sum);
}

}  // namespace shoal::lower
