// The interpreter's arithmetic and control flow, against what C++ computes directly.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <limits>

#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"
#include "tests/kernel/sample_kernels.h"

namespace shoal::kernel {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
const float denormal = std::bit_cast<float>(0x00400000u);
constexpr float smallest_normal = std::numeric_limits<float>::min();

// op(x...) of values that are loaded, so that nothing is folded; bits in, bits out.
int32_t apply_bits(Op op, Type type, const std::vector<int32_t>& operands) {
  Kernel k;
  k.buffers = {{.name = "x", .space = Space::global, .type = Type::i32, .size = 3},
               {.name = "y", .space = Space::global, .type = Type::i32, .size = 1}};
  Builder b(k);
  std::array<int32_t, 3> args{-1, -1, -1};
  for (size_t i = 0; i < operands.size(); ++i) {
    args[i] = b.load(0, -1, -1, static_cast<int64_t>(i));
    if (type == Type::f32) args[i] = b.emit(Op::bits_f32, args[i]);
  }
  int32_t result = b.emit(op, args[0], args[1], args[2]);
  if (b.type(result) == Type::f32) result = b.emit(Op::bits_i32, result);
  if (b.type(result) == Type::pred) result = b.emit(Op::to_i32, result);
  b.store(1, -1, -1, 0, result);
  verify(k, "test");
  std::vector<int32_t> x(operands);
  x.resize(3);
  int32_t y = 0;
  interpret(k, 0, 1, {{x.data(), 3}, {&y, 1}}, {});
  return y;
}

template <typename... Floats>
uint32_t float_bits(Op op, Floats... x) {
  return static_cast<uint32_t>(apply_bits(op, Type::f32, {std::bit_cast<int32_t>(x)...}));
}

template <typename... Floats>
float floats(Op op, Floats... x) {
  return std::bit_cast<float>(float_bits(op, x...));
}

template <typename... Integers>
int32_t integers(Op op, Integers... x) {
  return apply_bits(op, Type::i32, {static_cast<int32_t>(x)...});
}

TEST(KernelInterpret, DenormalsAreZerosOfTheirSign) {
  EXPECT_EQ(float_bits(Op::add, denormal, denormal), 0u);
  EXPECT_EQ(float_bits(Op::add, -denormal, -denormal), 0x80000000u);
  EXPECT_EQ(floats(Op::add, denormal, 1.0f), 1.0f);
  EXPECT_EQ(float_bits(Op::mul, smallest_normal, 0.5f), 0u);  // a denormal result
  EXPECT_EQ(float_bits(Op::mul, -smallest_normal, 0.5f), 0x80000000u);
  EXPECT_EQ(float_bits(Op::sub, smallest_normal * 1.5f, smallest_normal), 0u);
  EXPECT_EQ(floats(Op::mul, denormal, 1e38f), 0.0f);
  EXPECT_EQ(floats(Op::fma, denormal, 1e38f, 3.0f), 3.0f);
  EXPECT_EQ(floats(Op::div, 1.0f, denormal), infinity);
  EXPECT_EQ(floats(Op::div, 1.0f, -denormal), -infinity);
  EXPECT_EQ(float_bits(Op::div, smallest_normal, 4.0f), 0u);
  EXPECT_EQ(float_bits(Op::sqrt, denormal), 0u);
  EXPECT_EQ(float_bits(Op::floor, -denormal), 0x80000000u);  // not -1
  EXPECT_EQ(floats(Op::lt, 0.0f, denormal), 0.0f);
  EXPECT_EQ(float_bits(Op::eq, denormal, 0.0f), 1u);
  EXPECT_EQ(float_bits(Op::le, denormal, -0.0f), 1u);
  EXPECT_EQ(float_bits(Op::max, denormal, 0.0f), 0u);
}

// Signs and bits are moved, not computed with.
TEST(KernelInterpret, SignOperationsKeepDenormalsAndPayloads) {
  EXPECT_EQ(float_bits(Op::neg, denormal), 0x80400000u);
  EXPECT_EQ(float_bits(Op::abs, -denormal), 0x00400000u);
  EXPECT_EQ(float_bits(Op::neg, std::bit_cast<float>(0x7fc12345u)), 0xffc12345u);
  EXPECT_EQ(float_bits(Op::abs, std::bit_cast<float>(0xffc12345u)), 0x7fc12345u);
  EXPECT_EQ(float_bits(Op::neg, 0.0f), 0x80000000u);
}

TEST(KernelInterpret, MaxAndMinGiveTheSecondWhenUnordered) {
  EXPECT_EQ(floats(Op::max, nan, 2.0f), 2.0f);
  EXPECT_TRUE(std::isnan(floats(Op::max, 2.0f, nan)));
  EXPECT_EQ(floats(Op::min, nan, 2.0f), 2.0f);
  EXPECT_TRUE(std::isnan(floats(Op::min, 2.0f, nan)));
  EXPECT_EQ(float_bits(Op::max, 0.0f, -0.0f), 0x80000000u);  // equal: the second
  EXPECT_EQ(float_bits(Op::min, -0.0f, 0.0f), 0u);
  EXPECT_EQ(floats(Op::max, -infinity, 1.0f), 1.0f);
  EXPECT_EQ(floats(Op::min, 3.0f, -2.0f), -2.0f);
}

TEST(KernelInterpret, ComparisonsWithNaNAreFalse) {
  for (const Op op : {Op::lt, Op::le, Op::eq}) {
    EXPECT_EQ(float_bits(op, nan, 1.0f), 0u) << op_name(op);
    EXPECT_EQ(float_bits(op, 1.0f, nan), 0u) << op_name(op);
    EXPECT_EQ(float_bits(op, nan, nan), 0u) << op_name(op);
  }
}

TEST(KernelInterpret, FmaRoundsOnce) {
  const float a = 1.0f + 0x1p-12f;
  // a * a = 1 + 2^-11 + 2^-24, whose last bit a rounded product loses.
  EXPECT_EQ(floats(Op::fma, a, a, -(1.0f + 0x1p-11f)), 0x1p-24f);
  EXPECT_EQ(floats(Op::sub, floats(Op::mul, a, a), 1.0f + 0x1p-11f), 0.0f);
}

TEST(KernelInterpret, IntegersWrap) {
  EXPECT_EQ(integers(Op::add, INT32_MAX, 1), INT32_MIN);
  EXPECT_EQ(integers(Op::sub, INT32_MIN, 1), INT32_MAX);
  EXPECT_EQ(integers(Op::mul, 0x10001, 0x10001), 0x20001);
  EXPECT_EQ(integers(Op::div, -1, 2), INT32_MAX);  // unsigned
  EXPECT_EQ(integers(Op::rem, -1, 10), 5);
  EXPECT_EQ(integers(Op::max, -1, 1), 1);  // signed
  EXPECT_EQ(integers(Op::min, -1, 1), -1);
  EXPECT_EQ(integers(Op::lt, INT32_MIN, 0), 1);
  EXPECT_EQ(integers(Op::shl, -1, 31), INT32_MIN);
  EXPECT_EQ(integers(Op::shr, -1, 31), 1);  // logical
  EXPECT_EQ(integers(Op::band, 12, 10), 8);
  EXPECT_EQ(integers(Op::bor, 12, 10), 14);
  EXPECT_EQ(integers(Op::bxor, 12, 10), 6);
  EXPECT_THROW(integers(Op::div, 1, 0), InternalError);
  EXPECT_THROW(integers(Op::rem, 1, 0), InternalError);
  EXPECT_THROW(integers(Op::shl, 1, 32), InternalError);
  EXPECT_THROW(integers(Op::shr, 1, -1), InternalError);
}

TEST(KernelInterpret, Conversions) {
  EXPECT_EQ(integers(Op::to_f32, -3), std::bit_cast<int32_t>(-3.0f));
  EXPECT_EQ(integers(Op::to_f32, INT32_MAX), std::bit_cast<int32_t>(0x1p31f));
  EXPECT_EQ(static_cast<int32_t>(float_bits(Op::to_i32, -2.9f)), -2);  // towards zero
  EXPECT_EQ(static_cast<int32_t>(float_bits(Op::to_i32, 2.9f)), 2);
  EXPECT_EQ(floats(Op::floor, -2.1f), -3.0f);
}

TEST(KernelInterpret, IndicesAddBaseIndexAndImmediate) {
  Kernel k;
  k.buffers = {{.name = "x", .space = Space::global, .type = Type::i32},
               {.name = "y", .space = Space::global, .type = Type::i32}};
  k.scalars = {"base", "index"};
  Builder b(k);
  const int32_t base = b.emit(Op::mul, b.emit(Op::to_i64, b.scalar(0)), b.constant_i64(10));
  b.store(1, -1, -1, 0, b.load(0, base, b.scalar(1), 3));
  verify(k, "test");
  std::vector<int32_t> x(50);
  for (int i = 0; i < 50; ++i) x[static_cast<size_t>(i)] = i * i;
  int32_t y = 0;
  interpret(k, 0, 1, {{x.data(), 50}, {&y, 1}}, {4, -2});
  EXPECT_EQ(y, 41 * 41);
}

TEST(KernelInterpret, WideAccessesMoveAllElements) {
  Kernel k;
  k.lanes = 4;
  k.buffers = {{.name = "x", .space = Space::global, .size = 16}, {.name = "y", .space = Space::global, .size = 16}};
  Builder b(k);
  const int32_t at = b.emit(Op::mul, b.leaf(Op::lane), b.constant_i32(4)), first = b.load(0, -1, at, 0, 4);
  for (int i = 0; i < 4; ++i) b.store(1, -1, at, i, first + 3 - i, i == 0 ? 4 : 0);
  verify(k, "test");
  std::vector<float> x(16), y(16);
  for (int i = 0; i < 16; ++i) x[static_cast<size_t>(i)] = static_cast<float>(i);
  interpret(k, 0, 1, {{x.data(), 16}, {y.data(), 16}}, {});
  for (int i = 0; i < 16; ++i) EXPECT_EQ(y[static_cast<size_t>(i)], static_cast<float>(i / 4 * 4 + 3 - i % 4)) << i;
}

// Collatz: a repeat that threads leave after different numbers of trips, with a `when` inside.
TEST(KernelInterpret, RepeatsAndWhensAreOfTheThread) {
  constexpr int threads = 64;
  Kernel k;
  k.warps = 4;
  k.lanes = 16;
  k.buffers = {{.name = "steps", .space = Space::global, .type = Type::i32, .size = threads}};
  Builder b(k);
  const int32_t thread = b.emit(Op::add, b.emit(Op::mul, b.leaf(Op::warp), b.constant_i32(16)), b.leaf(Op::lane));
  const int32_t one = b.constant_i32(1);
  const int32_t number = b.var(b.emit(Op::add, thread, b.constant_i32(2))), steps = b.var(b.constant_i32(0));
  b.repeat();
  const int32_t n = b.get(number), odd = b.emit(Op::eq, b.emit(Op::band, n, one), one);
  b.set(number, b.emit(Op::shr, n, one));
  b.when(odd);
  b.set(number, b.emit(Op::add, b.emit(Op::mul, n, b.constant_i32(3)), one));
  b.end();
  b.set(steps, b.emit(Op::add, b.get(steps), one));
  b.again(b.emit(Op::lt, one, b.get(number)));
  b.store(0, -1, thread, 0, b.get(steps));
  verify(k, "test");
  std::vector<int32_t> got(threads);
  interpret(k, 0, 1, {{got.data(), threads}}, {});
  for (int t = 0; t < threads; ++t) {
    int64_t value = t + 2;
    int32_t expected = 0;
    for (; value > 1; ++expected) value = value % 2 == 0 ? value / 2 : 3 * value + 1;
    EXPECT_EQ(got[static_cast<size_t>(t)], expected) << t;
  }
}

TEST(KernelInterpret, LoopsCountByStepsAndMayBeEmpty) {
  Kernel k;
  k.buffers = {{.name = "sum", .space = Space::global, .type = Type::i32, .size = 1}};
  k.scalars = {"count"};
  Builder b(k);
  const int32_t sum = b.var(b.constant_i32(0));
  const int32_t i = b.loop(b.scalar(0), 3);
  b.set(sum, b.emit(Op::add, b.get(sum), b.emit(Op::add, i, b.constant_i32(1))));
  b.end();
  b.store(0, -1, -1, 0, b.get(sum));
  verify(k, "test");
  for (const int32_t count : {-5, 0, 1, 3, 4, 10}) {
    int32_t expected = 0, got = -1;
    for (int32_t at = 0; at < count; at += 3) expected += at + 1;
    interpret(k, 0, 1, {{&got, 1}}, {count});
    EXPECT_EQ(got, expected) << count;
  }
  // A counter that would pass the largest i32 ends the loop instead of wrapping.
  Kernel far;
  Builder c(far);
  c.loop(c.constant_i32(INT32_MAX), INT32_MAX - 1);
  c.end();
  verify(far, "test");
  interpret(far, 0, 1, {}, {});
}

TEST(KernelInterpret, LanesExchangeButterflies) {
  Kernel k;
  k.warps = 2;
  k.lanes = 8;
  k.buffers = {{.name = "sums", .space = Space::global, .type = Type::i32, .size = 16}};
  Builder b(k);
  const int32_t thread = b.emit(Op::add, b.emit(Op::mul, b.leaf(Op::warp), b.constant_i32(8)), b.leaf(Op::lane));
  int32_t sum = b.emit(Op::mul, thread, thread);
  for (const int64_t mask : {4, 2, 1}) sum = b.emit(Op::add, sum, b.lanes_xor(sum, mask));
  b.store(0, -1, thread, 0, sum);
  verify(k, "test");
  std::vector<int32_t> got(16);
  interpret(k, 0, 1, {{got.data(), 16}}, {});
  for (int t = 0; t < 16; ++t) EXPECT_EQ(got[static_cast<size_t>(t)], t < 8 ? 140 : 1100) << t;
}

TEST(KernelInterpret, RunsTheGroupsAskedFor) {
  Kernel k;
  k.buffers = {{.name = "y", .space = Space::global, .type = Type::i32, .size = 8}};
  Builder b(k);
  b.store(0, -1, b.leaf(Op::group), 0, b.emit(Op::add, b.leaf(Op::group), b.constant_i32(1)));
  std::vector<int32_t> y(8);
  interpret(k, 2, 5, {{y.data(), 8}}, {});
  EXPECT_EQ(y, (std::vector<int32_t>{0, 0, 3, 4, 5, 0, 0, 0}));
}

TEST(KernelInterpret, RefusesWrongArguments) {
  const Kernel k = kernel_with_every_opcode();
  std::vector<float> x(64), y(256);
  std::vector<int32_t> n(64);
  const std::vector<Memory> memory{{x.data(), 64}, {y.data(), 256}, {n.data(), 64}};
  EXPECT_NO_THROW(interpret(k, 0, 1, memory, {3}));
  EXPECT_THROW(interpret(k, 0, 1, memory, {}), InternalError);
  EXPECT_THROW(interpret(k, 0, 1, {memory[0], memory[1]}, {3}), InternalError);
  EXPECT_THROW(interpret(k, 0, 1, {memory[0], memory[1], memory[2], memory[0]}, {3}), InternalError);
}

// The speed is printed, not asserted, because machines differ: about 90 million on one core of a busy server.
TEST(KernelInterpret, SpeedIsPrinted) {
  constexpr int trips = 200, groups = 200;
  Kernel k;
  k.lanes = 32;
  k.buffers = {{.name = "x", .space = Space::global, .size = 1024}, {.name = "y", .space = Space::global, .size = 32}};
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane), sum = b.var(b.constant(0.0f));
  const int32_t i = b.loop(b.constant_i32(trips));
  const int32_t x = b.load(0, -1, b.emit(Op::add, lane, i), 0);
  b.set(sum, b.emit(Op::fma, x, x, b.get(sum)));
  b.end();
  b.store(1, -1, lane, 0, b.get(sum));
  std::vector<float> input(1024, 0.5f), output(32);
  for (const bool races : {false, true}) {
    const auto start = std::chrono::steady_clock::now();
    for (int group = 0; group < groups; ++group) {
      interpret(k, group, group + 1, {{input.data(), 1024}, {output.data(), 32}}, {}, {.find_races = races});
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double executed = estimate(k, {}).instructions * 32 * groups;
    fmt::print("interpreter, {} races: {:.1f} million thread-instructions a second\n", races ? "finding" : "without",
               executed / seconds / 1e6);
  }
  EXPECT_EQ(output[31], 0.25f * trips);
}

}  // namespace
}  // namespace shoal::kernel
