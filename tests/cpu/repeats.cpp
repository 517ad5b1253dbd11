// Loops that are equal but for buffers and values from outside become one function: which ones, and that what it
// computes in every place is what the interpreter says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "run_both.h"

namespace shoal::test {
namespace {

using kernel::Builder;
using kernel::Kernel;
using kernel::Op;
using kernel::Space;
using kernel::Type;

constexpr int64_t kElements = 4096;

// Three inputs, three outputs and two shared buffers, which the third shares with the first.
Kernel empty_kernel(int32_t lanes) {
  Kernel k;
  k.lanes = lanes;
  k.shared_elements = 256;
  for (const char* name : {"a", "b", "c"}) k.buffers.push_back({.name = name, .size = kElements});
  for (const char* name : {"x", "y", "z"}) k.buffers.push_back({.name = name, .size = kElements, .written = true});
  k.buffers.push_back({.name = "s", .space = Space::shared, .size = 128, .written = true});
  k.buffers.push_back({.name = "t", .space = Space::shared, .size = 128, .offset = 128, .written = true});
  k.scalars = {"n"};
  return k;
}

int64_t occurrences(const std::string& text, const std::string& what) {
  int64_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

void expect_as_interpreted(const Kernel& k, const Machine& machine, int32_t scalar = 3) {
  std::mt19937 random(17);
  std::vector<Words> memory;
  for (int n = 0; n < 3; ++n) memory.push_back(random_floats(kElements, random, false));
  for (int n = 0; n < 3; ++n) memory.emplace_back(kElements);
  expect_same(k, memory, {scalar}, 1, 2, features_of(machine));  // group 1: its bases are not 0
}

// out[at + i * lanes] = in[at + i * lanes] * factor + a running sum, for 64 values of i.
void nest(Builder& b, int32_t in, int32_t out, int32_t base, int32_t factor, int64_t displacement = 0) {
  const int32_t lane = b.leaf(Op::lane), lanes = b.kernel().lanes;
  const int32_t rows = b.loop(b.constant_i32(8));
  const int32_t inner = b.var(b.constant(1.0f));
  const int32_t i = b.loop(b.constant_i32(8));
  const int32_t row = b.emit(Op::add, b.emit(Op::mul, rows, b.constant_i32(8)), i);
  const int32_t at = b.emit(Op::add, lane, b.emit(Op::mul, row, b.constant_i32(lanes)));
  const int32_t value = b.emit(Op::fma, b.load(in, base, at, displacement), factor, b.get(inner));
  b.set(inner, value);
  b.store(out, base, at, 0, value);
  b.end();
  b.end();
}

struct Case {
  std::string name;
  std::function<void(Builder&)> build;
  int64_t functions, calls;
};

int32_t base_of(Builder& b, int64_t size) {
  return b.emit(Op::mul, b.emit(Op::to_i64, b.leaf(Op::group)), b.constant_i64(size));
}

std::vector<Case> cases() {
  return {
      {"other buffers",
       [](Builder& b) {
         const int32_t base = base_of(b, 1024), factor = b.constant(0.5f);
         nest(b, 0, 3, base, factor);
         nest(b, 1, 4, base, factor);
         nest(b, 2, 5, base, factor);
       },
       1, 3},
      {"other places, and factors that are uniform, of the scalar's and of lanes",
       [](Builder& b) {
         const int32_t lane = b.leaf(Op::lane);
         const int32_t uniform = b.load(0, -1, -1, 5), also = b.emit(Op::to_f32, b.scalar(0));
         const int32_t varying = b.load(1, -1, lane, 7), other = b.load(2, -1, lane, 9);
         nest(b, 0, 3, base_of(b, 1024), uniform);
         nest(b, 0, 4, base_of(b, 512), also);
         nest(b, 1, 3, base_of(b, 1024), varying, 4);
         nest(b, 2, 5, base_of(b, 256), other, 4);
       },
       2, 4},
      {"another constant is another loop",
       [](Builder& b) {
         const int32_t base = base_of(b, 1024);
         nest(b, 0, 3, base, b.constant(0.5f));
         nest(b, 1, 4, base, b.constant(0.25f));
         nest(b, 2, 5, base, b.constant(0.5f), 1);
       },
       0, 0},
      {"one buffer in the place of two",
       [](Builder& b) {
         const int32_t base = base_of(b, 1024), factor = b.constant(0.5f);
         nest(b, 0, 3, base, factor);
         nest(b, 4, 4, base, factor);
       },
       0, 0},
      {"through shared memory, one of the calls with the buffers exchanged",
       [](Builder& b) {
         const int32_t lane = b.leaf(Op::lane), zero = b.constant_i64(0);
         for (const int32_t buffer : {6, 7}) {
           const int32_t i = b.loop(b.constant_i32(128), 16);
           for (int64_t k = 0; k < 16; k += b.kernel().lanes)
             b.store(buffer, -1, b.emit(Op::add, lane, i), k, b.constant(buffer == 6 ? 2.0f : 3.0f));
           b.end();
         }
         for (const auto& [in, out] : {std::pair{6, 7}, {7, 6}}) {
           const int32_t rounds = b.loop(b.constant_i32(40));
           const int32_t at =
               b.emit(Op::add, lane, b.emit(Op::band, b.emit(Op::mul, rounds, b.constant_i32(16)), b.constant_i32(63)));
           b.store(out, zero, at, 16, b.emit(Op::add, b.load(in, zero, at, 0), b.load(out, zero, at, 16)));
           b.end();
         }
         b.store(3, -1, lane, 0, b.load(6, -1, lane, 32));
         b.store(4, -1, lane, 0, b.load(7, -1, lane, 32));
       },
       1, 2},
      {"inside a loop whose counter it reads",
       [](Builder& b) {
         const int32_t t = b.loop(b.scalar(0));
         const int32_t base = b.emit(Op::to_i64, b.emit(Op::mul, t, b.constant_i32(64)));
         const int32_t factor = b.emit(Op::to_f32, t);
         nest(b, 0, 3, base, factor);
         nest(b, 1, 4, base, factor);
         b.end();
       },
       1, 2},
      {"a register from outside keeps loops where they are",
       [](Builder& b) {
         const int32_t lane = b.leaf(Op::lane);
         for (const int32_t n : {0, 1}) {
           const int32_t sum = b.var(b.constant(0.0f));
           const int32_t i = b.loop(b.constant_i32(100));
           b.set(sum, b.emit(Op::add, b.get(sum), b.load(n, -1, b.emit(Op::add, lane, i), 0)));
           b.end();
           b.store(3 + n, -1, lane, 0, b.get(sum));
         }
       },
       0, 0},
      {"where threads part nothing is called",
       [](Builder& b) {
         const int32_t base = base_of(b, 1024), factor = b.constant(0.5f);
         b.when(b.emit(Op::lt, b.leaf(Op::lane), b.constant_i32(2)));
         nest(b, 0, 3, base, factor);
         nest(b, 1, 4, base, factor);
         b.end();
       },
       0, 0},
      {"nor where many registers wait",
       [](Builder& b) {
         const int32_t lane = b.leaf(Op::lane), base = base_of(b, 1024), factor = b.constant(0.5f);
         std::vector<int32_t> waiting;
         for (int64_t n = 0; n < 8; ++n) waiting.push_back(b.var(b.load(2, -1, lane, n)));
         nest(b, 0, 3, base, factor);
         nest(b, 1, 4, base, factor);
         for (int64_t n = 0; n < 8; ++n) b.store(5, -1, lane, n * 16, b.get(waiting[size_t(n)]));
       },
       0, 0},
      {"the longest equal loops are one, not what is in them",
       [](Builder& b) {
         const int32_t factor = b.constant(0.5f);
         for (const int32_t n : {0, 1}) {
           b.loop(b.constant_i32(2));
           nest(b, n, 3 + n, -1, factor);
           nest(b, 2, 3 + n, -1, factor);
           b.end();
         }
       },
       1, 2},
  };
}

TEST(CpuRepeats, AreCalledWhereTheyAreEqualAndComputeTheSame) {
  for (const Machine& machine : machines()) {
    for (const Case& c : cases()) {
      SCOPED_TRACE(c.name);
      Kernel k = empty_kernel(machine.lanes);
      Builder b(k);
      c.build(b);
      kernel::verify(k, "the test");
      const std::string text = emit::llvm(k, features_of(machine));
      EXPECT_EQ(occurrences(text, "define internal void @nest"), c.functions) << text;
      EXPECT_EQ(occurrences(text, "call void @nest"), c.calls) << text;
      expect_as_interpreted(k, machine);
    }
  }
}

// What overlaps in memory must not be promised to be apart.
TEST(CpuRepeats, PointersAreAloneOnlyWhereTheirBuffersAre) {
  Kernel k = empty_kernel(8);
  Builder b(k);
  const int32_t base = base_of(b, 1024), factor = b.constant(0.5f);
  nest(b, 0, 3, base, factor);
  nest(b, 1, 4, base, factor);
  const emit::CpuFeatures avx2{.cpu = "x86-64-v3", .features = "+avx2,+fma"};
  EXPECT_THAT(emit::llvm(k, avx2), testing::HasSubstr("(ptr noalias %a0_x, ptr noalias readonly %a1_a)"));
  EXPECT_THAT(emit::llvm(k, avx2), testing::HasSubstr("; x, y\n"));
  k.warps = 2;
  EXPECT_THAT(emit::llvm(k, avx2), testing::HasSubstr("(ptr %a0_x, ptr noalias readonly %a1_a, ptr %team)"));
  k.code.clear();
  k.warps = 1;
  k.buffers[7].offset = 64;  // s and t overlap
  Builder again(k);
  const int32_t lane = again.leaf(Op::lane);
  for (const auto& [in, out] : {std::pair{6, 7}, {7, 6}}) {
    const int32_t i = again.loop(again.constant_i32(100));
    const int32_t at = again.emit(Op::add, lane, i);
    again.store(out, -1, at, 0, again.emit(Op::add, again.load(in, -1, at, 0), again.constant(1.0f)));
    again.end();
  }
  EXPECT_THAT(emit::llvm(k, avx2), testing::HasSubstr("(ptr %a0_t, ptr %a1_s)"));
}

}  // namespace
}  // namespace shoal::test
