// The keyed bijection of [0, n), as compiler/graph/shuffle.cpp defines it, in integer opcodes.
#include <array>
#include <bit>

#include "compiler/graph/shuffle.h"
#include "compiler/lower/decompose_functions.h"
#include "compiler/support/error.h"

namespace shoal::lower {

using kernel::Builder;
using kernel::Op;

namespace {

constexpr int64_t golden = 0x9e3779b9;

int32_t xor_shifted(Builder& b, int32_t x, int64_t by) {
  return b.emit(Op::bxor, x, b.emit(Op::shr, x, b.constant_i32(by)));
}

// `turn` of shuffle.cpp without its last line, which changes the lower half alone.
int32_t turn(Builder& b, int32_t x) {
  x = b.emit(Op::mul, x, b.constant_i32(0x7feb352d));
  return b.emit(Op::mul, xor_shifted(b, x, 15), b.constant_i32(0x846ca68b));
}
int32_t mix(Builder& b, int32_t x) { return xor_shifted(b, turn(b, xor_shifted(b, x, 16)), 16); }

// One Feistel step: `half`, a number below `extent`, turned by a hash of the other half.
int32_t turned(Builder& b, int32_t half, int64_t extent, int32_t other, int32_t round_key) {
  const int32_t hash = b.emit(Op::shr, turn(b, b.emit(Op::bxor, other, round_key)), b.constant_i32(16));
  const int32_t limit = b.constant_i32(extent);
  const int32_t by = b.emit(Op::shr, b.emit(Op::mul, hash, limit), b.constant_i32(16));
  const int32_t sum = b.emit(Op::add, half, by);
  if (std::has_single_bit(static_cast<uint64_t>(extent))) return b.emit(Op::band, sum, b.constant_i32(extent - 1));
  return b.emit(Op::select, b.emit(Op::lt, sum, limit), sum, b.emit(Op::sub, sum, limit));
}

// i / divisor for 0 <= i <= largest: one multiplication where some i * m >> s is exact in 32 bits, as vector units have
// no integer division. With m = ceil(2^s / d), it is exact if (m d - 2^s) largest < 2^s.
int32_t quotient(Builder& b, int32_t i, int64_t divisor, int64_t largest) {
  for (int shift = 0; shift < 32; ++shift) {
    const int64_t power = int64_t{1} << shift, factor = (power + divisor - 1) / divisor;
    if (factor * largest >= int64_t{1} << 32) break;
    if ((factor * divisor - power) * largest < power) {
      return b.emit(Op::shr, b.emit(Op::mul, i, b.constant_i32(factor)), b.constant_i32(shift));
    }
  }
  return b.emit(Op::div, i, b.constant_i32(divisor));
}

}  // namespace

int32_t decompose_shuffle(Builder& b, int32_t position, int32_t key, int32_t epoch, int64_t n) {
  check(n >= 1 && n <= (int64_t{1} << 31) - (1 << 16), "shuffle of {} positions", n);
  const ShuffleSides sides = shuffle_sides(static_cast<uint32_t>(n));
  const int64_t rows = sides.rows, columns = sides.columns;
  const bool walks = rows * columns > n;
  const int32_t seed = mix(b, b.emit(Op::bxor, mix(b, b.emit(Op::add, epoch, b.constant_i32(golden))), key));
  std::array<int32_t, 4> round_key{};
  for (int64_t round = 0; round < 4; ++round) {
    round_key[round] = b.emit(Op::add, seed, b.constant_i32((round * golden) & UINT32_MAX));
  }
  const int32_t at = walks ? b.var(position) : -1;
  if (walks) b.repeat();
  const int32_t i = walks ? b.get(at) : position;
  int32_t left = quotient(b, i, columns, rows * columns - 1);
  int32_t right = b.emit(Op::sub, i, b.emit(Op::mul, left, b.constant_i32(columns)));
  left = turned(b, left, rows, right, round_key[0]);
  right = turned(b, right, columns, left, round_key[1]);
  left = turned(b, left, rows, right, round_key[2]);
  right = turned(b, right, columns, left, round_key[3]);
  const int32_t image = b.emit(Op::add, b.emit(Op::mul, left, b.constant_i32(columns)), right);
  if (!walks) return image;
  b.set(at, image);
  b.again(b.emit(Op::le, b.constant_i32(n), image));
  return b.get(at);
}

}  // namespace shoal::lower
