// What is removed of a kernel, and what is not.
#include "compiler/kernel/unused.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace shoal::kernel {
namespace {

int64_t count(const Kernel& k, Op op) {
  return std::count_if(k.code.begin(), k.code.end(), [&](const Instruction& i) { return i.op == op; });
}

TEST(Unused, AddressesAndLoadsThatNothingReadsGo) {
  Kernel k;
  k.lanes = 32;
  k.buffers = {{.name = "x", .space = Space::global, .type = Type::f32},
               {.name = "y", .space = Space::global, .type = Type::f32, .written = true}};
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane);
  b.emit(Op::mul, lane, b.constant_i32(3));  // nobody's address
  b.load(0, -1, lane, 4);
  const int32_t wide = b.load(0, -1, b.emit(Op::mul, lane, b.constant_i32(4)), 0, 4);
  const int32_t written_only = b.var(b.constant(0.0f));
  b.set(written_only, wide);
  b.store(1, -1, lane, 0, wide + 2);
  remove_unused(k);
  verify(k, "remove_unused");
  EXPECT_EQ(count(k, Op::mul), 1);
  EXPECT_EQ(count(k, Op::load), 4) << "a wide load is whole";
  EXPECT_EQ(count(k, Op::set), 0);
  EXPECT_EQ(count(k, Op::store), 1);
  const auto store = std::find_if(k.code.begin(), k.code.end(), [](const Instruction& i) { return i.op == Op::store; });
  EXPECT_EQ(k.code[store->args[2]].imm, 2) << "numbered anew, still the third element";
}

TEST(Unused, SumsOfLoopsStay) {
  Kernel k;
  k.lanes = 32;
  k.buffers = {{.name = "y", .space = Space::global, .type = Type::f32, .written = true}};
  Builder b(k);
  const int32_t sum = b.var(b.constant(0.0f));
  b.loop(b.constant_i32(4));
  b.set(sum, b.emit(Op::add, b.get(sum), b.constant(1.0f)));
  b.end();
  b.store(0, -1, b.leaf(Op::lane), 0, b.get(sum));
  const std::vector<Instruction> before = k.code;
  remove_unused(k);
  EXPECT_EQ(k.code, before);
}

}  // namespace
}  // namespace shoal::kernel
