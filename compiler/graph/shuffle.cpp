// The keyed bijection behind the `shuffle` primitive: sample order that needs no memory.
//
// All arithmetic is on unsigned 32-bit integers and wraps. compiler/lower repeats exactly these steps in kernel
// opcodes.
//
//   a, b = constants of n: sides of a rectangle of n places or few more, so that few walks are needed. With b = ceil(n
//   / a),
//          a is the least integer with a*a >= n, or, for fewer places, a larger one with a <= 2*b and b >= 8: the
//          halves of a Feistel network must not be too unlike. A rectangle of exactly n places needs no walks.
//   mix(x):  x ^= x >> 16;  turn(x)                              where
//   turn(x): x *= 0x7feb352d;  x ^= x >> 15;  x *= 0x846ca68b;  x ^= x >> 16
//   seed = mix(mix(epoch + 0x9e3779b9) ^ key)                    the same for all i
//   do {
//     L = i / b;  R = i % b                                      so i = L*b + R with L < a and R < b
//     L += F(0, R, a);  if (L >= a) L -= a
//     R += F(1, L, b);  if (R >= b) R -= b
//     L += F(2, R, a);  if (L >= a) L -= a
//     R += F(3, L, b);  if (R >= b) R -= b
//     i = L*b + R
//   } while (i >= n)                                             cycle walking: a bijection of [0, a*b) restricted to
//   [0, n) F(round, v, m) = ((turn(v ^ (seed + round * 0x9e3779b9)) >> 16) * m) >> 16      in [0, m), as m <= 65536
//
// Each step is invertible for every F, so the whole is a bijection. n is at most 2^31 - 2^16, which keeps a*b below
// 2^31, so that signed comparisons serve.
#include "compiler/graph/shuffle.h"

#include <cmath>

#include "compiler/support/error.h"

namespace shoal {
namespace {

constexpr uint32_t golden = 0x9e3779b9u;

uint32_t turn(uint32_t x) {
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  x ^= x >> 16;
  return x;
}
uint32_t mix(uint32_t x) { return turn(x ^ x >> 16); }

// One Feistel step: `half`, a number below `extent`, turned by a hash of the other half, which the key has mixed.
uint32_t turned(uint32_t half, uint32_t extent, uint32_t other, uint32_t round_key) {
  half += ((turn(other ^ round_key) >> 16) * extent) >> 16;
  return half >= extent ? half - extent : half;
}

}  // namespace

ShuffleSides shuffle_sides(uint32_t n) {
  const auto columns = [n](uint32_t rows) { return (n + rows - 1) / rows; };
  auto best = static_cast<uint32_t>(std::sqrt(static_cast<double>(n)));
  while (best * best < n) ++best;
  for (uint32_t rows = best; rows <= 2 * columns(rows) && columns(rows) >= 8 && best * columns(best) > n; ++rows)
    if (rows * columns(rows) < best * columns(best)) best = rows;
  return {best, columns(best)};
}

uint32_t shuffle_index(uint32_t i, uint32_t n, uint32_t key, uint32_t epoch) {
  check(n >= 1 && n <= (1u << 31) - (1u << 16) && i < n, "shuffle_index: {} of {}", i, n);
  const auto [a, b] = shuffle_sides(n);
  const uint32_t seed = mix(mix(epoch + golden) ^ key);
  do {
    uint32_t left = i / b, right = i % b;
    left = turned(left, a, right, seed);
    right = turned(right, b, left, seed + golden);
    left = turned(left, a, right, seed + 2 * golden);
    right = turned(right, b, left, seed + 3 * golden);
    i = left * b + right;
  } while (i >= n);
  return i;
}

}  // namespace shoal
