// exp and log in f32 kernel opcodes. Coefficients: tools/fit/fit.py.
#include <limits>

#include "compiler/lower/decompose_functions.h"

namespace shoal::lower {

using kernel::Builder;
using kernel::Op;

namespace {
constexpr float log2_e = 1.44269502f;
constexpr float ln2_high = 0.693147182f, ln2_low = -1.90465421e-09f;
}  // namespace

// e^x = 2^n e^r with n = floor(x / ln 2), so r is in [0, ln 2) and e^r in [1, 2). Rounding down, and not to the
// nearest, is what saves every special case: results from the smallest normal number to the largest have n in -126 to
// 127, whose 2^n are all normal; n = -127 has the bits of 2^n = 0 and n = 128 those of infinity, which is then the
// right result.
int32_t decompose_exp(Builder& b, int32_t x0) {
  const int32_t x = clamp(b, x0, -87.9f, 89.0f);
  const int32_t below = b.emit(Op::fma, x, b.constant(log2_e), b.constant(-0.5f));
  const float magic = rounding_magic + 127;  // the low bits of the sum are the biased exponent
  const int32_t sum = b.emit(Op::add, below, b.constant(magic));
  const int32_t n = b.emit(Op::sub, sum, b.constant(magic));
  int32_t r = b.emit(Op::fma, n, b.constant(-ln2_high), x);
  r = b.emit(Op::fma, n, b.constant(-ln2_low), r);
  const int32_t p =
      polynomial(b, r, {1.0f, 1.0f, 0.500002265f, 0.166632101f, 0.0418543704f, 0.00786927342f, 0.00191206473f});
  const int32_t scale = b.emit(Op::bits_f32, b.emit(Op::shl, b.emit(Op::bits_i32, sum), b.constant_i32(23)));
  return b.emit(Op::mul, p, scale);
}

// The product is rounded, which e^x multiplies by x: a relative error that grows with |x|, and falls behind e^x where x
// is negative.
int32_t decompose_fast_exp(Builder& b, int32_t x) { return b.emit(Op::exp2, b.emit(Op::mul, x, b.constant(log2_e))); }

// x = 2^e m with m in [sqrt(1/2), sqrt(2)), and log m = f - f^2/2 + f^3 P(f) of f = m - 1. Terms are added from the
// smallest up; for e = 0 the result keeps the relative precision of f.
int32_t decompose_log(Builder& b, int32_t x) {
  constexpr int32_t sqrt_half = 0x3f3504f3, bias = 127;
  const int32_t bits = b.emit(Op::bits_i32, x);
  // The bias makes the exponent positive, since the shift is logical.
  const int32_t shifted = b.emit(Op::add, bits, b.constant_i32((int64_t{bias} << 23) - sqrt_half));
  const int32_t exponent = b.emit(Op::shr, shifted, b.constant_i32(23));
  const int32_t e = b.emit(Op::to_f32, b.emit(Op::sub, exponent, b.constant_i32(bias)));
  const int32_t fraction = b.emit(Op::band, shifted, b.constant_i32(0x7fffff));
  const int32_t m = b.emit(Op::bits_f32, b.emit(Op::add, fraction, b.constant_i32(sqrt_half)));
  const int32_t f = b.emit(Op::sub, m, b.constant(1.0f));
  const int32_t z = b.emit(Op::mul, f, f);
  const int32_t p = polynomial(b, f,
                               {0.333333313f, -0.250008196f, 0.200012416f, -0.166234091f, 0.1420158f, -0.131596103f,
                                0.127622157f, -0.0763643533f});
  int32_t y = b.emit(Op::mul, p, b.emit(Op::mul, f, z));
  y = b.emit(Op::fma, e, b.constant(ln2_low), y);
  y = b.emit(Op::fma, z, b.constant(-0.5f), y);
  y = b.emit(Op::add, f, y);
  y = b.emit(Op::fma, e, b.constant(ln2_high), y);
  const int32_t infinity = b.constant(std::numeric_limits<float>::infinity());
  const int32_t zero = b.constant(0.0f);
  y = b.emit(Op::select, b.emit(Op::lt, x, infinity), y, x);  // infinity and NaN are their own logarithms
  const int32_t nan = b.constant(std::numeric_limits<float>::quiet_NaN());
  y = b.emit(Op::select, b.emit(Op::lt, x, zero), nan, y);
  return b.emit(Op::select, b.emit(Op::eq, x, zero), b.constant(-std::numeric_limits<float>::infinity()), y);
}

}  // namespace shoal::lower
