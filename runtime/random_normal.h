// Box and Muller's transform in plain double arithmetic, so that compilers vectorise it and all platforms agree on it.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace shoal {

// k below 2^52 as a double, by its bits: SSE2 has no conversion of unsigned integers, and loops over it would stay
// scalar.
inline double small_integer(uint64_t k) { return std::bit_cast<double>(0x4330000000000000 | k) - 0x1p52; }

// The middle of the k-th of 2^32 equal parts of (0, 1); never 0 or 1.
inline double unit_interval(uint32_t k) { return (small_integer(k) + 0.5) * 0x1p-32; }

// Natural logarithm of a positive normal number below 2: relative error below 1e-13.
inline double log_of_unit(double u) {
  auto bits = std::bit_cast<uint64_t>(u);
  // Shifts the exponent's border from 1 to sqrt(2), so that the mantissa m is in [sqrt(1/2), sqrt(2)).
  uint64_t shifted = bits - 0x3FE6A09E667F3BCD + (uint64_t{1023} << 52);
  double exponent = small_integer(shifted >> 52) - 1023;
  uint64_t mantissa = (shifted & 0x000FFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD;
  double m = std::bit_cast<double>(mantissa);
  double s = (m - 1) / (m + 1), z = s * s;  // log m = 2 atanh s, |s| below 0.1716
  double series = 1.0 / 15;
  series = series * z + 1.0 / 13;
  series = series * z + 1.0 / 11;
  series = series * z + 1.0 / 9;
  series = series * z + 1.0 / 7;
  series = series * z + 1.0 / 5;
  series = series * z + 1.0 / 3;
  series = series * z + 1;
  return exponent * 0.693147180559945309417 + 2 * s * series;
}

struct Turn {
  double cosine, sine;
};

// Cosine and sine of the (k + 1/2) / 2^32-th part of a full turn: error below 1e-15.
inline Turn turn(uint32_t k) {
  // The nearest quarter turn is taken off in integers, exactly; what is left is at most an eighth of a turn.
  uint32_t shifted = k + 0x20000000u, quarter = shifted >> 30;
  double x = (small_integer(shifted & 0x3FFFFFFF) - (0x20000000 - 0.5)) * (0x1p-31 * 3.14159265358979323846), z = x * x;
  double sine = -1.0 / 1307674368000;
  sine = sine * z + 1.0 / 6227020800;
  sine = sine * z - 1.0 / 39916800;
  sine = sine * z + 1.0 / 362880;
  sine = sine * z - 1.0 / 5040;
  sine = sine * z + 1.0 / 120;
  sine = sine * z - 1.0 / 6;
  sine = x + x * z * sine;
  double cosine = 1.0 / 20922789888000;
  cosine = cosine * z - 1.0 / 87178291200;
  cosine = cosine * z + 1.0 / 479001600;
  cosine = cosine * z - 1.0 / 3628800;
  cosine = cosine * z + 1.0 / 40320;
  cosine = cosine * z - 1.0 / 720;
  cosine = cosine * z + 1.0 / 24;
  cosine = cosine * z - 0.5;
  cosine = cosine * z + 1;
  // Selects and signs by masks of bits, which SSE2 vectorises.
  uint64_t swap = 0 - uint64_t{quarter & 1};
  uint64_t c = std::bit_cast<uint64_t>(cosine), s = std::bit_cast<uint64_t>(sine), differ = (c ^ s) & swap;
  return {std::bit_cast<double>(c ^ differ ^ uint64_t{(quarter + 1) & 2} << 62),
          std::bit_cast<double>(s ^ differ ^ uint64_t{quarter & 2} << 62)};
}

inline double squared_radius(uint32_t k) { return -2 * log_of_unit(unit_interval(k)); }

struct NormalPair {
  double first, second;
};

inline NormalPair normal_pair(uint32_t a, uint32_t b) {
  double radius = std::sqrt(squared_radius(a));
  Turn t = turn(b);
  return {radius * t.cosine, radius * t.sine};
}

}  // namespace shoal
