// Kernels that several tests use.
#pragma once

#include "compiler/kernel/kernel.h"

namespace shoal::kernel {

// Products of tensor cores: D = A B + C of 16 x 8 matrices, with A (16 x depth) and B (depth x 8) from row-major
// memory, rounded to tf32 (depth 8) or to bf16 (depth 16). A lane loads and stores what the PTX manual says that it
// holds.
inline Kernel kernel_of_tensor_cores(bool bf16) {
  Kernel k;
  k.name = "product";
  k.lanes = 32;
  const int64_t depth = bf16 ? 16 : 8;
  k.buffers = {{.name = "a", .space = Space::global, .type = Type::f32, .size = 16 * depth},
               {.name = "b", .space = Space::global, .type = Type::f32, .size = depth * 8},
               {.name = "c", .space = Space::global, .type = Type::f32, .size = 128},
               {.name = "d", .space = Space::global, .type = Type::f32, .size = 128}};
  Builder build(k);
  const int32_t lane = build.leaf(Op::lane), four = build.constant_i32(4);
  const int32_t group = build.emit(Op::div, lane, four), in_group = build.emit(Op::rem, lane, four);
  // Element (row_factor, column_factor) of this lane's index pair, as row * stride + column.
  const auto at = [&](int32_t row, int64_t stride, int32_t column, int64_t factor) {
    return build.emit(Op::add, build.emit(Op::mul, row, build.constant_i32(stride)),
                      build.emit(Op::mul, column, build.constant_i32(factor)));
  };
  const auto rounded = [&](int32_t buffer, int32_t index, int64_t offset, int64_t next) {
    const int32_t first = build.load(buffer, -1, index, offset);
    if (!bf16) return build.emit(Op::tf32, first);
    return build.emit(Op::bf16_pair, first, build.load(buffer, -1, index, offset + next));
  };
  std::array<int32_t, 4> a{}, c{};
  std::array<int32_t, 2> b{};
  const int32_t in_a = at(group, depth, in_group, bf16 ? 2 : 1), in_b = at(in_group, bf16 ? 16 : 8, group, 1);
  const int32_t in_c = at(group, 8, in_group, 2);
  const int64_t half = depth / 2;
  for (int r = 0; r < 4; ++r) a[r] = rounded(0, in_a, (r % 2) * 8 * depth + (r / 2) * half, 1);
  for (int r = 0; r < 2; ++r) b[r] = rounded(1, in_b, r * half * 8, 8);
  for (int r = 0; r < 4; ++r) c[r] = build.load(2, -1, in_c, (r / 2) * 64 + r % 2);
  const std::array<int32_t, 4> d = build.mma(a, b, c);
  for (int r = 0; r < 4; ++r) build.store(3, -1, in_c, (r / 2) * 64 + r % 2, d[r]);
  return k;
}

// Verifies, runs cleanly on one group with `out` of 256 elements, and has every opcode at least once, but for those of
// tensor cores.
inline Kernel kernel_with_every_opcode() {
  Kernel k;
  k.name = "everything";
  k.header = "every opcode\nin one kernel";
  k.warps = 2;
  k.lanes = 4;
  k.shared_elements = 64;
  k.buffers = {{.name = "in", .space = Space::global, .type = Type::f32, .size = 64},
               {.name = "out", .space = Space::global, .type = Type::f32, .size = 256},
               {.name = "numbers", .space = Space::global, .type = Type::i32},
               {.name = "tile", .space = Space::shared, .type = Type::f32, .size = 32, .offset = 32},
               {.name = "own", .space = Space::local, .type = Type::i32, .size = 4}};
  k.scalars = {"count"};
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane), count = b.scalar(0);
  const int32_t thread = b.emit(Op::add, b.emit(Op::mul, b.leaf(Op::warp), b.constant_i32(4)), lane);
  const int32_t base = b.emit(Op::to_i64, b.leaf(Op::group));
  const int32_t start = b.load(0, base, b.emit(Op::mul, thread, b.constant_i32(4)), 0, 4);
  const int32_t quotient = b.emit(Op::div, start, b.emit(Op::sqrt, b.emit(Op::add, start + 1, b.constant(2.0f))));
  const int32_t clamped = b.emit(Op::max, b.constant(-3.0f), b.emit(Op::min, b.constant(3.0f), quotient));
  const int32_t fused = b.emit(Op::fma, clamped, start + 2, b.emit(Op::neg, b.emit(Op::abs, start + 3)));
  const int32_t low = b.emit(Op::floor, b.emit(Op::sub, fused, b.emit(Op::rcp, b.emit(Op::exp2, clamped))));
  const int32_t bits = b.emit(Op::bits_i32, low);
  const int32_t mixed = b.emit(Op::bxor, b.emit(Op::shl, bits, b.constant_i32(3)), b.emit(Op::shr, bits, lane));
  const int32_t some = b.emit(Op::bor, b.emit(Op::band, mixed, b.constant_i32(255)), b.constant_i32(1));
  const int32_t rest = b.emit(Op::rem, b.emit(Op::sub, some, lane), b.constant_i32(7));
  b.store(4, -1, -1, 2, rest);
  const int32_t again_rest = b.load(4, -1, -1, 2);
  const int32_t value = b.emit(Op::mul, b.emit(Op::to_f32, again_rest), b.constant(0.5f));
  b.store(3, -1, thread, 0, value);
  b.barrier(true);
  const int32_t neighbour = b.load(3, -1, b.emit(Op::bxor, thread, b.constant_i32(4)), 0);
  b.barrier(false);
  const int32_t sum = b.var(b.emit(Op::bits_f32, b.emit(Op::to_i32, b.emit(Op::eq, lane, rest))));
  b.loop(count, 2);
  b.set(sum, b.emit(Op::add, b.get(sum), b.lanes_xor(neighbour, 2)));
  b.end();
  const int32_t trips = b.var(rest);
  b.repeat();
  b.set(trips, b.emit(Op::sub, b.get(trips), b.constant_i32(1)));
  b.again(b.emit(Op::lt, b.constant_i32(0), b.get(trips)));
  b.when(b.emit(Op::le, b.get(trips), rest));
  b.store(2, base, thread, 0, b.emit(Op::to_i32, value));
  b.end();
  const int32_t chosen = b.emit(Op::select, b.emit(Op::lt, value, neighbour), b.get(sum), fused);
  const int32_t place = b.emit(Op::mul, thread, b.constant_i32(2));
  b.store(1, base, place, 0, chosen, 2);
  b.store(1, base, place, 1, neighbour, 0);
  return k;
}

}  // namespace shoal::kernel
