// Loops, parting threads and memory accesses of every stride through LLVM equal the interpreter.
#include <gtest/gtest.h>

#include "run_both.h"

namespace shoal::test {
namespace {

using kernel::Builder;
using kernel::Kernel;
using kernel::Op;
using kernel::Space;
using kernel::Type;

constexpr int64_t kElements = 256;

Kernel empty_kernel(const Machine& machine) {
  Kernel k;
  k.lanes = machine.lanes;
  k.buffers = {{.name = "in", .type = Type::f32, .size = kElements},
               {.name = "index", .type = Type::i32, .size = kElements},
               {.name = "out", .type = Type::f32, .size = kElements, .written = true}};
  k.scalars = {"n"};
  return k;
}

void run(const Kernel& k, const Machine& machine, int32_t scalar = 5) {
  std::mt19937 random(11);
  Words index = random_ints(kElements, random);
  for (uint32_t& word : index) word %= kElements;
  expect_same(k, {random_floats(kElements, random, false), index, Words(kElements)}, {scalar}, 0, 1,
              features_of(machine));
}

// Fibonacci-like recurrence of three vars: the phis must swap in parallel, not one after another.
TEST(CpuControl, LoopWithSeveralVars) {
  for (const Machine& machine : machines()) {
    for (int32_t n : {0, 1, 2, 7}) {
      Kernel k = empty_kernel(machine);
      Builder b(k);
      const int32_t lane = b.leaf(Op::lane);
      const int32_t x = b.var(b.load(0, -1, lane, 0)), y = b.var(b.constant(1.0f)), count = b.var(b.constant_i32(3));
      const int32_t i = b.loop(b.scalar(0));
      const int32_t sum = b.emit(Op::add, b.get(x), b.get(y));
      b.set(x, b.get(y));
      b.set(y, b.emit(Op::add, sum, b.emit(Op::to_f32, i)));
      b.set(count, b.emit(Op::mul, b.get(count), b.constant_i32(5)));
      b.end();
      b.store(2, -1, lane, 0, b.get(x));
      b.store(2, -1, lane, 16, b.get(y));
      b.store(2, -1, lane, 32, b.emit(Op::to_f32, b.get(count)));
      run(k, machine, n);
    }
  }
}

TEST(CpuControl, NestedLoopsAndSteps) {
  for (const Machine& machine : machines()) {
    for (int32_t n : {-1, 0, 3}) {
      Kernel k = empty_kernel(machine);
      Builder b(k);
      const int32_t lane = b.leaf(Op::lane);
      const int32_t total = b.var(b.constant(0.0f));
      const int32_t i = b.loop(b.constant_i32(7), 3);  // 0, 3, 6
      const int32_t row = b.var(b.load(0, -1, i, 0));
      const int32_t j = b.loop(b.scalar(0));
      const int32_t once = b.loop(b.constant_i32(2), 4);  // a single iteration: no loop is emitted
      const int32_t never = b.loop(b.constant_i32(0));
      b.set(total, b.emit(Op::to_f32, never));
      b.end();
      const int32_t at = b.emit(Op::add, b.emit(Op::mul, b.emit(Op::add, i, once), b.constant_i32(16)), lane);
      b.set(row, b.emit(Op::fma, b.load(0, -1, at, 3), b.emit(Op::to_f32, j), b.get(row)));
      b.end();
      b.end();
      b.set(total, b.emit(Op::add, b.get(total), b.get(row)));
      b.end();
      b.store(2, -1, lane, 0, b.get(total));
      run(k, machine, n);
    }
  }
}

TEST(CpuControl, StridedWideAndGatheredLoads) {
  for (const Machine& machine : machines()) {
    for (int64_t stride : {0, 1, 2, 3, 4, -1}) {
      Kernel k = empty_kernel(machine);
      Builder b(k);
      const int32_t lane = b.leaf(Op::lane);
      const int32_t at = b.emit(Op::mul, lane, b.constant_i32(stride));
      const int32_t base = b.emit(Op::to_i64, b.emit(Op::mul, b.scalar(0), b.constant_i32(4)));
      const int32_t first = b.load(0, base, at, 20, 4);
      for (int element = 0; element < 4; ++element) b.store(2, -1, lane, 16 * element, first + element);
      const int32_t far = b.load(1, -1, lane, 0);
      b.store(2, -1, lane, 64, b.load(0, -1, far, 0));                      // 32-bit gather
      b.store(2, -1, lane, 80, b.load(0, b.emit(Op::to_i64, far), -1, 0));  // 64-bit gather
      b.store(2, -1, lane, 96, b.emit(Op::to_f32, b.load(1, -1, far, 0)));  // gather of i32
      const int32_t folded = b.emit(Op::band, far, b.constant_i32(63));
      b.store(2, -1, lane, 112, b.load(0, b.emit(Op::to_i64, lane), folded, 5));  // affine base, varying index
      run(k, machine);
    }
  }
}

// Lanes that each read elements next to one another: by loads that are wider than an element, two or four at a time.
TEST(CpuControl, RowsOfEachLane) {
  for (const Machine& machine : machines())
    for (const int64_t elements : {2, 3, 4, 7}) {
      Kernel k = empty_kernel(machine);
      Builder b(k);
      const int32_t lane = b.leaf(Op::lane);
      const int32_t own = b.emit(Op::band, b.load(1, -1, lane, 0), b.constant_i32(31));
      std::vector<int32_t> read;
      for (int64_t e = 0; e < elements; ++e) read.push_back(b.load(0, -1, own, 3 + e));
      for (int64_t e = 0; e < elements; ++e) b.store(2, -1, lane, 16 * e, read[static_cast<size_t>(e)]);
      const int32_t wide = b.emit(Op::to_i64, own);  // 64-bit offsets, of i32, the second element first
      const int32_t second = b.load(1, wide, -1, 1), first = b.load(1, wide, -1, 0);
      b.store(2, -1, lane, 112, b.emit(Op::to_f32, b.emit(Op::sub, second, first)));
      // What is stored in between is read behind it.
      const int32_t turned =
          b.emit(Op::mul, b.emit(Op::bxor, lane, b.constant_i32(machine.lanes - 1)), b.constant_i32(2));
      b.store(2, -1, turned, 128, read[0]);
      const int32_t before = b.load(2, -1, turned, 128);
      b.store(2, -1, turned, 129, b.emit(Op::add, before, b.constant(1.0f)));
      b.store(2, -1, lane, 160, b.load(2, -1, turned, 129));
      // Under a mask no lane that is off may be read.
      b.when(b.emit(Op::lt, read[0], b.constant(0.0f)));
      b.store(2, -1, lane, 176, b.emit(Op::add, b.load(0, -1, own, 40), b.load(0, -1, own, 41)));
      b.end();
      run(k, machine);
    }
}

TEST(CpuControl, StridedAndScatteredStores) {
  for (const Machine& machine : machines()) {
    Kernel k = empty_kernel(machine);
    Builder b(k);
    const int32_t lane = b.leaf(Op::lane);
    const int32_t value = b.load(0, -1, lane, 0);
    b.store(2, -1, b.emit(Op::mul, lane, b.constant_i32(3)), 0, value);
    // A permutation of the lanes that analysis cannot see through.
    const int32_t turned = b.emit(Op::bxor, lane, b.constant_i32(machine.lanes - 1));
    b.store(2, -1, turned, 64, value);
    b.when(b.emit(Op::lt, value, b.constant(0.0f)));
    b.store(2, -1, turned, 96, value);
    b.store(2, -1, b.emit(Op::mul, lane, b.constant_i32(2)), 128, value);
    b.store(2, -1, lane, 176, value);
    b.end();
    b.when(b.emit(Op::eq, lane, b.constant_i32(2)));
    b.store(2, -1, -1, 200, value);  // one lane is on, all see one address
    b.store(2, -1, -1, 201, b.constant(4.0f));
    b.end();
    run(k, machine);
  }
}

// Lanes that are off must not read: their indices lie far outside the buffers.
TEST(CpuControl, MaskedLoadsReadNothingElsewhere) {
  for (const Machine& machine : machines()) {
    Kernel k = empty_kernel(machine);
    Builder b(k);
    const int32_t lane = b.leaf(Op::lane);
    const int32_t sum = b.var(b.constant(0.5f));
    auto add = [&](int32_t value) { b.set(sum, b.emit(Op::add, b.get(sum), value)); };
    const int32_t is_low = b.emit(Op::lt, lane, b.constant_i32(3));
    const int32_t wild = b.emit(Op::select, is_low, lane, b.constant_i32(1 << 30));
    b.when(is_low);
    add(b.load(0, -1, wild, 0));
    b.end();
    b.when(b.emit(Op::eq, lane, b.constant_i32(0)));
    add(b.load(0, -1, b.emit(Op::mul, lane, b.constant_i32(1 << 27)), 7));
    b.end();
    // The last lanes of a vector at the end of a buffer.
    b.when(b.emit(Op::lt, lane, b.constant_i32(2)));
    add(b.load(0, -1, lane, kElements - 2));
    b.end();
    // No lane at all: what is uniform is not read either.
    b.when(b.emit(Op::lt, lane, b.constant_i32(0)));
    add(b.load(0, b.emit(Op::mul, b.emit(Op::to_i64, b.scalar(0)), b.constant_i64(int64_t{1} << 40)), -1, 0));
    b.end();
    b.store(2, -1, lane, 0, b.get(sum));
    run(k, machine);
  }
}

TEST(CpuControl, NestedMasksAndUniformBranches) {
  for (const Machine& machine : machines()) {
    for (int32_t n : {0, 9}) {
      Kernel k = empty_kernel(machine);
      Builder b(k);
      const int32_t lane = b.leaf(Op::lane);
      const int32_t x = b.load(0, -1, lane, 0);
      const int32_t y = b.var(x), n_seen = b.var(b.constant_i32(0)), flag = b.var(b.constant_pred(false));
      const int32_t negative = b.emit(Op::lt, x, b.constant(0.0f));
      b.when(negative);
      const int32_t inner = b.var(b.constant(2.0f));  // declared under the mask: uniform in it
      b.set(y, b.emit(Op::neg, b.get(y)));
      const int32_t i = b.loop(b.scalar(0));
      b.when(b.emit(Op::lt, b.get(y), b.emit(Op::to_f32, i)));
      b.set(y, b.emit(Op::add, b.get(y), b.get(inner)));
      b.set(flag, b.emit(Op::lt, b.get(y), b.constant(4.0f)));
      b.end();
      b.set(inner, b.emit(Op::add, b.get(inner), b.constant(1.0f)));
      b.end();
      b.end();
      b.when(b.emit(Op::lt, b.constant_i32(4), b.scalar(0)));  // uniform
      b.set(n_seen, b.scalar(0));
      b.end();
      b.when(b.constant_pred(false));
      b.set(n_seen, b.constant_i32(77));
      b.end();
      b.when(b.constant_pred(true));
      b.set(n_seen, b.emit(Op::add, b.get(n_seen), b.constant_i32(1)));
      b.end();
      // The pred made before the branches is used after them, in another block.
      b.store(2, -1, lane, 0, b.emit(Op::select, negative, b.get(y), x));
      b.store(2, -1, lane, 16, b.emit(Op::to_f32, b.get(n_seen)));
      b.store(2, -1, lane, 32, b.emit(Op::to_f32, b.get(flag)));
      run(k, machine, n);
    }
  }
}

// Collatz steps of each lane's own number: each lane leaves at its own time, and holds what it had.
TEST(CpuControl, RepeatUntilEachLaneIsDone) {
  for (const Machine& machine : machines()) {
    Kernel k = empty_kernel(machine);
    Builder b(k);
    const int32_t lane = b.leaf(Op::lane);
    const int32_t n = b.var(b.emit(Op::add, b.load(1, -1, lane, 0), b.constant_i32(2)));
    const int32_t steps = b.var(b.constant_i32(0));
    b.repeat();
    const int32_t now = b.get(n);
    const int32_t odd = b.emit(Op::eq, b.emit(Op::band, now, b.constant_i32(1)), b.constant_i32(1));
    const int32_t triple = b.emit(Op::add, b.emit(Op::mul, now, b.constant_i32(3)), b.constant_i32(1));
    b.set(n, b.emit(Op::select, odd, triple, b.emit(Op::shr, now, b.constant_i32(1))));
    b.set(steps, b.emit(Op::add, b.get(steps), b.constant_i32(1)));
    b.when(odd);
    b.set(steps, b.emit(Op::add, b.get(steps), b.constant_i32(100)));
    b.end();
    b.again(b.emit(Op::lt, b.constant_i32(1), b.get(n)));
    b.store(2, -1, lane, 0, b.emit(Op::to_f32, b.get(steps)));
    // A uniform repeat: no mask.
    const int32_t m = b.var(b.scalar(0));
    b.repeat();
    b.set(m, b.emit(Op::sub, b.get(m), b.constant_i32(1)));
    b.again(b.emit(Op::lt, b.constant_i32(0), b.get(m)));
    b.store(2, -1, lane, 16, b.emit(Op::to_f32, b.get(m)));
    run(k, machine);
  }
}

// Lanes that are off divide too; a zero divisor must not trap there.
TEST(CpuControl, MaskedDivision) {
  for (const Machine& machine : machines()) {
    Kernel k = empty_kernel(machine);
    Builder b(k);
    const int32_t lane = b.leaf(Op::lane);
    const int32_t divisor = b.emit(Op::bxor, lane, b.constant_i32(1));
    const int32_t result = b.var(b.constant_i32(-1));
    b.when(b.emit(Op::lt, b.constant_i32(0), divisor));
    b.set(result, b.emit(Op::div, b.load(1, -1, lane, 0), divisor));
    b.end();
    b.store(2, -1, lane, 0, b.emit(Op::to_f32, b.get(result)));
    run(k, machine);
  }
}

TEST(CpuControl, LocalArraysAreRegisters) {
  for (const Machine& machine : machines()) {
    Kernel k = empty_kernel(machine);
    k.buffers.push_back({.name = "tile", .space = Space::local, .type = Type::f32, .size = 3, .written = true});
    Builder b(k);
    const int32_t lane = b.leaf(Op::lane);
    for (int element = 0; element < 3; ++element) b.store(3, -1, -1, element, b.load(0, -1, lane, 16 * element));
    b.loop(b.scalar(0));
    const int32_t first = b.load(3, -1, -1, 0);
    b.store(3, -1, -1, 0, b.load(3, -1, -1, 1));
    b.store(3, -1, -1, 1, b.emit(Op::add, b.load(3, -1, -1, 2), first));
    b.end();
    for (int element = 0; element < 3; ++element) b.store(2, -1, lane, 16 * element, b.load(3, -1, -1, element));
    run(k, machine);
  }
}

TEST(CpuControl, SharedMemoryCarriesBetweenLanes) {
  for (const Machine& machine : machines()) {
    Kernel k = empty_kernel(machine);
    k.shared_elements = 64;
    k.buffers.push_back({.name = "s", .space = Space::shared, .size = 48, .offset = 16, .written = true});
    Builder b(k);
    const int32_t lane = b.leaf(Op::lane);
    b.store(3, -1, lane, 0, b.load(0, -1, lane, 0));
    b.barrier(false);
    const int32_t other = b.emit(Op::bxor, lane, b.constant_i32(3));
    b.store(2, -1, lane, 0, b.emit(Op::add, b.load(3, -1, other, 0), b.load(3, -1, -1, 1)));
    run(k, machine);
  }
}

}  // namespace
}  // namespace shoal::test
