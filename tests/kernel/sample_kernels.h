// Kernels that several tests use.
#pragma once

#include "compiler/kernel/kernel.h"

namespace shoal::kernel {

// Verifies, runs cleanly on one group with `out` of 256 elements, and has every opcode at least once.
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
