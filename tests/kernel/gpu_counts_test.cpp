// What a warp of a kernel asks of a GPU, counted by hand.
#include "compiler/kernel/gpu_counts.h"

#include <gtest/gtest.h>

namespace shoal::kernel {
namespace {

// `steps` times: 8 rounds of one 16-byte load and four multiply-adds, a barrier, a 4-byte store.
Kernel tile() {
  Kernel k;
  k.lanes = 32;
  k.shared_elements = 256;
  k.buffers = {{.name = "x", .space = Space::global, .type = Type::f32},
               {.name = "tile", .space = Space::shared, .type = Type::f32, .size = 256}};
  k.scalars = {"steps"};
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane);
  const int32_t first = b.load(0, -1, lane, 0);
  b.loop(b.scalar(0));
  const int32_t sum = b.var(b.constant(0.0f));
  const int32_t round = b.loop(b.constant_i32(32), 4);
  const int32_t wide = b.load(1, -1, round, 0, 4);
  int32_t value = b.get(sum);
  for (int n = 0; n < 4; ++n) value = b.emit(Op::fma, wide + n, first, value);
  b.set(sum, value);
  b.end();
  b.barrier(false);
  b.store(1, -1, lane, 0, b.emit(Op::rcp, b.get(sum)));
  b.end();
  return k;
}

TEST(GpuCounts, MultiplyByTheTripsOfLoops) {
  const GpuCounts step = gpu_counts(tile(), 2) - gpu_counts(tile(), 1);
  EXPECT_EQ(step.floats, 8 * 4);
  EXPECT_EQ(step.special, 1);
  EXPECT_EQ(step.shared_merge, 8 * 2 + 1);
  EXPECT_EQ(step.shared_return, 8 * 4 + 1);
  EXPECT_EQ(step.barriers, 1);
  EXPECT_EQ(step.rounds, 8 + 1);
  EXPECT_EQ(step.global_bytes, 0);
  // Loads, multiply-adds and loop of a round; barrier, reciprocal, store and loop of a step.
  EXPECT_EQ(step.issued, 8 * (1 + 4 + 3) + 1 + 1 + 1 + 3);
  EXPECT_EQ(gpu_counts(tile(), 7).global_bytes, 32 * 4);
}

// Registers of a kernel that loads `n` numbers, then adds them up.
int registers_of(int n) {
  Kernel k;
  k.lanes = 32;
  k.buffers = {{.name = "x", .space = Space::global, .type = Type::f32, .written = true}};
  Builder b(k);
  std::vector<int32_t> loaded;
  for (int i = 0; i < n; ++i) loaded.push_back(b.load(0, -1, b.leaf(Op::lane), 32 * i));
  int32_t sum = b.constant(0.0f);
  for (int32_t value : loaded) sum = b.emit(Op::add, sum, value);
  b.store(0, -1, b.leaf(Op::lane), 0, sum);
  return gpu_registers(k);
}

TEST(GpuCounts, RegistersAreWhatLivesAtOnce) {
  EXPECT_EQ(registers_of(40) - registers_of(8), 32);
  // In the tile: lane, first, the counters of both loops, the four that a load brings, the sum; two are dead by then.
  const int own = registers_of(8) - 9;  // lane, and eight numbers
  EXPECT_EQ(gpu_registers(tile()) - own, 9);
}

}  // namespace
}  // namespace shoal::kernel
