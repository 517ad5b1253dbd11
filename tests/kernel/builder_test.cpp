// The builder: types, folding of integer constants, reuse of constants and leaves, refused misuse.
#include <gtest/gtest.h>

#include <bit>
#include <functional>

#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"

namespace shoal::kernel {
namespace {

struct Fixture : testing::Test {
  Fixture() {
    k.lanes = 8;
    k.buffers = {{.name = "x", .space = Space::global, .type = Type::f32, .size = 100},
                 {.name = "n", .space = Space::global, .type = Type::i32, .size = 100}};
    k.scalars = {"count", "other"};
  }
  const Instruction& at(int32_t value) const { return k.code[static_cast<size_t>(value)]; }
  size_t size() const { return k.code.size(); }
  void refuses(const std::function<void()>& misuse) { EXPECT_THROW(misuse(), InternalError); }
  Kernel k;
  Builder b{k};
};
using KernelBuilder = Fixture;

TEST_F(KernelBuilder, DerivesTypes) {
  const int32_t f = b.load(0, -1, b.leaf(Op::lane), 0), i = b.leaf(Op::lane);
  const int32_t wide = b.emit(Op::to_i64, i), truth = b.emit(Op::lt, f, b.constant(1.0f));
  EXPECT_EQ(b.type(f), Type::f32);
  EXPECT_EQ(b.type(i), Type::i32);
  EXPECT_EQ(b.type(wide), Type::i64);
  EXPECT_EQ(b.type(truth), Type::pred);
  EXPECT_EQ(b.type(b.emit(Op::add, wide, wide)), Type::i64);
  EXPECT_EQ(b.type(b.emit(Op::le, wide, wide)), Type::pred);
  EXPECT_EQ(b.type(b.emit(Op::band, truth, truth)), Type::pred);
  EXPECT_EQ(b.type(b.emit(Op::select, truth, i, b.constant_i32(3))), Type::i32);
  EXPECT_EQ(b.type(b.emit(Op::to_f32, truth)), Type::f32);
  EXPECT_EQ(b.type(b.emit(Op::to_i32, f)), Type::i32);
  EXPECT_EQ(b.type(b.emit(Op::bits_f32, i)), Type::f32);
  EXPECT_EQ(b.type(b.var(wide)), Type::i64);
  EXPECT_EQ(b.type(b.lanes_xor(f, 4)), Type::f32);
  const int32_t counter = b.loop(i, 2);
  EXPECT_EQ(b.type(counter), Type::i32);
  b.end();
}

TEST_F(KernelBuilder, FoldsIntegerConstants) {
  const auto c = [&](int64_t value) { return b.constant_i32(value); };
  const auto folds = [&](Op op, int64_t x, int64_t y) {
    const Instruction result = at(b.emit(op, c(x), c(y)));
    EXPECT_EQ(result.op, Op::constant) << op_name(op);
    return result.imm;
  };
  EXPECT_EQ(folds(Op::add, 0x7fffffff, 1), INT32_MIN);  // wraps
  EXPECT_EQ(folds(Op::sub, -5, 7), -12);
  EXPECT_EQ(folds(Op::mul, 0x10000, 0x10000), 0);
  EXPECT_EQ(folds(Op::div, -1, 2), 0x7fffffff);  // unsigned
  EXPECT_EQ(folds(Op::rem, -1, 10), 5);          // 4294967295
  EXPECT_EQ(folds(Op::max, -3, 2), 2);
  EXPECT_EQ(folds(Op::min, -3, 2), -3);
  EXPECT_EQ(folds(Op::shl, 3, 31), INT32_MIN);
  EXPECT_EQ(folds(Op::shr, -1, 28), 15);  // logical
  EXPECT_EQ(folds(Op::bxor, 12, 10), 6);
  EXPECT_EQ(folds(Op::lt, -1, 0), 1);  // signed
  EXPECT_EQ(at(b.emit(Op::lt, c(1), c(2))).type, Type::pred);
  EXPECT_EQ(at(b.emit(Op::mul, b.constant_i64(int64_t{1} << 40), b.constant_i64(3))).imm, int64_t{3} << 40);
  EXPECT_EQ(at(b.emit(Op::to_i64, c(-2))).imm, -2);
  EXPECT_EQ(at(b.emit(Op::bits_f32, c(0x3f800000))).fimm, 1.0f);
  EXPECT_EQ(at(b.emit(Op::bits_i32, b.constant(-2.0f))).imm, static_cast<int32_t>(0xc0000000u));
}

TEST_F(KernelBuilder, FaultsOfConstantsStayInTheCode) {
  EXPECT_EQ(at(b.emit(Op::div, b.constant_i32(1), b.constant_i32(0))).op, Op::div);
  EXPECT_EQ(at(b.emit(Op::rem, b.leaf(Op::lane), b.constant_i32(0))).op, Op::rem);
  EXPECT_EQ(at(b.emit(Op::shl, b.constant_i32(1), b.constant_i32(32))).op, Op::shl);
}

TEST_F(KernelBuilder, SimplifiesWhatIsNeutralOrAChain) {
  const int32_t x = b.leaf(Op::lane), zero = b.constant_i32(0), one = b.constant_i32(1);
  EXPECT_EQ(b.emit(Op::add, x, zero), x);
  EXPECT_EQ(b.emit(Op::add, zero, x), x);
  EXPECT_EQ(b.emit(Op::sub, x, zero), x);
  EXPECT_EQ(b.emit(Op::mul, one, x), x);
  EXPECT_EQ(b.emit(Op::mul, x, zero), zero);
  EXPECT_EQ(b.emit(Op::div, x, one), x);
  EXPECT_EQ(b.emit(Op::band, x, b.constant_i32(-1)), x);
  EXPECT_EQ(b.emit(Op::select, b.constant_pred(false), x, one), one);
  const Instruction chain =
      at(b.emit(Op::add, b.emit(Op::add, x, b.constant_i32(5)), b.constant_i32(-2)));  // x + 5 - 2
  EXPECT_EQ(chain.args[0], x);
  EXPECT_EQ(at(chain.args[1]).imm, 3);
  const Instruction division = at(b.emit(Op::div, x, b.constant_i32(8)));
  EXPECT_EQ(division.op, Op::shr);
  EXPECT_EQ(at(division.args[1]).imm, 3);
  const Instruction remainder = at(b.emit(Op::rem, x, b.constant_i32(8)));
  EXPECT_EQ(remainder.op, Op::band);
  EXPECT_EQ(at(remainder.args[1]).imm, 7);
}

// x + 0 is not x for x = -0, and NaNs have payloads: only graph passes know what may be done with floats.
TEST_F(KernelBuilder, LeavesFloatArithmeticAlone) {
  EXPECT_EQ(at(b.emit(Op::add, b.constant(1.0f), b.constant(2.0f))).op, Op::add);
  const int32_t x = b.load(0, -1, -1, 0);
  EXPECT_EQ(at(b.emit(Op::mul, x, b.constant(1.0f))).op, Op::mul);
}

TEST_F(KernelBuilder, ReusesLeavesThatAreVisible) {
  const int32_t outer = b.constant(2.0f), lane = b.leaf(Op::lane), count = b.scalar(0);
  b.loop(count);
  EXPECT_EQ(b.constant(2.0f), outer);
  EXPECT_EQ(b.leaf(Op::lane), lane);
  EXPECT_EQ(b.scalar(0), count);
  EXPECT_NE(b.scalar(1), count);
  const int32_t inner = b.constant(3.0f);
  EXPECT_EQ(b.constant(3.0f), inner);
  b.end();
  EXPECT_NE(b.constant(3.0f), inner);  // that one is out of sight
  EXPECT_NE(b.constant(-0.0f), b.constant(0.0f));
  const float nan1 = std::bit_cast<float>(0x7fc00001u), nan2 = std::bit_cast<float>(0x7fc00002u);
  EXPECT_EQ(b.constant(nan1), b.constant(nan1));
  EXPECT_NE(b.constant(nan1), b.constant(nan2));
  EXPECT_NE(b.constant_i32(1), b.constant_i64(1));
  EXPECT_NE(b.constant_i32(1), b.constant_pred(true));
  EXPECT_EQ(b.constant_i32(0xffffffff), b.constant_i32(-1));
  verify(k, "builder");
}

TEST_F(KernelBuilder, MovesConstantPartsOfAnIndexToTheImmediate) {
  const int32_t lane = b.leaf(Op::lane), index = b.emit(Op::add, lane, b.constant_i32(7));
  const int32_t base = b.emit(Op::add, b.emit(Op::to_i64, b.leaf(Op::group)), b.constant_i64(20));
  const Instruction load = at(b.load(0, base, index, 2));
  EXPECT_EQ(load.imm, 29);
  EXPECT_EQ(load.args[1], lane);
  EXPECT_EQ(at(load.args[0]).op, Op::to_i64);
  const Instruction fixed = at(b.load(0, b.constant_i64(3), b.constant_i32(4), 5));
  EXPECT_EQ(fixed.imm, 12);
  EXPECT_EQ(fixed.args[0], -1);
  EXPECT_EQ(fixed.args[1], -1);
}

TEST_F(KernelBuilder, WideAccessesAreOneInstructionAnElement) {
  const int32_t first = b.load(0, -1, -1, 8, 4);
  ASSERT_EQ(size(), 4u);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(at(first + i).width, i == 0 ? 4 : 0);
    EXPECT_EQ(at(first + i).imm, 8 + i);
    EXPECT_EQ(b.type(first + i), Type::f32);
  }
  EXPECT_FALSE(k.buffers[0].written);
  for (int i = 0; i < 2; ++i) b.store(0, -1, -1, i, first + i, i == 0 ? 2 : 0);
  EXPECT_TRUE(k.buffers[0].written);
  verify(k, "builder");
}

TEST_F(KernelBuilder, RefusesMisuse) {
  const int32_t f = b.constant(1.0f), i = b.constant_i32(1), p = b.constant_pred(true), v = b.var(f);
  refuses([&] { b.emit(Op::add, f, i); });
  refuses([&] { b.emit(Op::add, f); });
  refuses([&] { b.emit(Op::neg, f, f); });
  refuses([&] { b.emit(Op::neg, i); });
  refuses([&] { b.emit(Op::neg, v); });      // a var without a get
  refuses([&] { b.emit(Op::neg, 12345); });  // no such value
  refuses([&] { b.emit(Op::loop, i); });     // not arith
  refuses([&] { b.set(v, i); });
  refuses([&] { b.set(f, f); });
  refuses([&] { b.get(f); });
  refuses([&] { b.when(i); });
  refuses([&] { b.loop(f); });
  refuses([&] { b.loop(i, 0); });
  refuses([&] { b.end(); });
  refuses([&] { b.again(p); });
  refuses([&] { b.load(2, -1, -1, 0); });
  refuses([&] { b.load(0, i, -1, 0); });
  refuses([&] { b.load(0, -1, b.constant_i64(1), 0); });
  refuses([&] { b.load(0, -1, -1, 0, 3); });
  refuses([&] { b.store(0, -1, -1, 0, i); });
  refuses([&] { b.lanes_xor(f, 3); });
  refuses([&] { b.lanes_xor(f, 8); });  // of 8 lanes
  refuses([&] { b.leaf(Op::scalar); });
  refuses([&] { b.scalar(2); });
  refuses([&] { b.constant_i32(int64_t{1} << 32); });
  b.repeat();
  refuses([&] { b.end(); });
  b.again(b.emit(Op::lt, f, f));
  b.when(p);
  refuses([&] { b.again(p); });
  b.end();
}

// Lowering unrolls; a builder that is quadratic in the instructions of a bracket would show here as minutes.
TEST_F(KernelBuilder, BuildsLongKernels) {
  int32_t value = b.constant(1.0f);
  for (int i = 0; i < 100000; ++i) value = b.emit(Op::fma, value, value, b.constant(static_cast<float>(i % 50000)));
  b.store(0, -1, -1, 0, value);
  EXPECT_EQ(size(), 100000u + 50000u + 1u);
  verify(k, "builder");
}

}  // namespace
}  // namespace shoal::kernel
