// Every arithmetic opcode through LLVM equals the interpreter, in vectors, in scalars and mixed, on every machine
// level.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>

#include "run_both.h"

namespace shoal::test {
namespace {

using kernel::Builder;
using kernel::Kernel;
using kernel::Op;
using kernel::Type;

constexpr int64_t kRounds = 40;  // operand triples a lane

struct Case {
  Op op;
  Type operands;
};

// Which operands are the same in all lanes, as bits: none, the first, the second, all.
constexpr int kUniform[] = {0, 1, 2, 7};

// Appends one use of the opcode whose result goes to the part of the outputs that starts at `out`.
void append_use(Builder& b, const Case& c, int uniform, int32_t first, int32_t own, int64_t out) {
  const bool is_float = c.operands == Type::f32;
  int32_t values[3] = {-1, -1, -1};
  for (int operand = 0; operand < kernel::op_operands(c.op); ++operand) {
    int32_t value = b.load(operand, -1, uniform >> operand & 1 ? first : own, 0);
    const bool divides = c.op == Op::div || c.op == Op::rem;
    const bool shifts = c.op == Op::shl || c.op == Op::shr;
    if (operand == 1 && divides && c.operands == Type::i32) value = b.emit(Op::bor, value, b.constant_i32(1));
    if (operand == 1 && shifts) value = b.emit(Op::band, value, b.constant_i32(31));
    if (c.operands == Type::pred || (c.op == Op::select && operand == 0)) {
      value = b.emit(Op::lt, value, is_float ? b.constant(0.0f) : b.constant_i32(0));
    }
    if (c.operands == Type::i64) value = b.emit(Op::to_i64, value);
    values[operand] = value;
  }
  int32_t result = b.emit(c.op, values[0], values[1], values[2]);
  if (b.type(result) == Type::i64) {  // seen through a comparison, the only way out of 64 bits
    result = b.emit(Op::lt, result, b.emit(Op::to_i64, b.load(2, -1, own, 0)));
  }
  if (b.type(result) == Type::pred) result = b.emit(Op::to_i32, result);
  b.store(b.type(result) == Type::f32 ? 3 : 4, -1, own, out, result);
}

Kernel make_kernel(const Case& c, int32_t lanes) {
  Kernel k;
  k.lanes = lanes;
  const Type storage = c.operands == Type::f32 ? Type::f32 : Type::i32;
  for (const char* name : {"a", "b", "c"}) k.buffers.push_back({.name = name, .type = storage});
  k.buffers.push_back({.name = "out_f", .type = Type::f32, .written = true});
  k.buffers.push_back({.name = "out_i", .type = Type::i32, .written = true});
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane);
  const int32_t first = b.emit(Op::mul, b.loop(b.constant_i32(kRounds)), b.constant_i32(lanes));
  const int32_t own = b.emit(Op::add, first, lane);
  int64_t out = 0;
  for (int uniform : kUniform) append_use(b, c, uniform, first, own, kRounds * lanes * out++);
  b.end();
  return k;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {Op::add, Type::f32},    {Op::add, Type::i32},      {Op::add, Type::i64},      {Op::sub, Type::f32},
      {Op::sub, Type::i32},    {Op::sub, Type::i64},      {Op::mul, Type::f32},      {Op::mul, Type::i32},
      {Op::mul, Type::i64},    {Op::fma, Type::f32},      {Op::div, Type::f32},      {Op::div, Type::i32},
      {Op::rem, Type::i32},    {Op::max, Type::f32},      {Op::max, Type::i32},      {Op::min, Type::f32},
      {Op::min, Type::i32},    {Op::neg, Type::f32},      {Op::abs, Type::f32},      {Op::floor, Type::f32},
      {Op::sqrt, Type::f32},   {Op::band, Type::i32},     {Op::band, Type::pred},    {Op::bor, Type::i32},
      {Op::bor, Type::pred},   {Op::bxor, Type::i32},     {Op::bxor, Type::pred},    {Op::shl, Type::i32},
      {Op::shr, Type::i32},    {Op::lt, Type::f32},       {Op::lt, Type::i32},       {Op::lt, Type::i64},
      {Op::le, Type::f32},     {Op::le, Type::i32},       {Op::le, Type::i64},       {Op::eq, Type::f32},
      {Op::eq, Type::i32},     {Op::eq, Type::i64},       {Op::select, Type::f32},   {Op::select, Type::i32},
      {Op::to_f32, Type::i32}, {Op::to_f32, Type::pred},  {Op::to_i32, Type::f32},   {Op::to_i32, Type::pred},
      {Op::to_i64, Type::i32}, {Op::bits_f32, Type::i32}, {Op::bits_i32, Type::f32},
  };
  return all;
}

TEST(CpuOpcodes, ArithmeticEqualsTheInterpreter) {
  std::mt19937 random(7);
  for (const Machine& machine : machines()) {
    const emit::CpuFeatures features = features_of(machine);
    for (const Case& c : cases()) {
      const size_t count = size_t(kRounds * machine.lanes);
      std::vector<Words> memory;
      // to_i32 promises nothing for what does not fit, so it gets ordinary numbers only.
      for (int operand = 0; operand < 3; ++operand) {
        memory.push_back(c.operands == Type::f32 ? random_floats(count, random, c.op != Op::to_i32)
                                                 : random_ints(count, random));
      }
      memory.push_back(Words(count * std::size(kUniform)));
      memory.push_back(Words(count * std::size(kUniform)));
      SCOPED_TRACE(kernel::op_name(c.op));
      expect_same(make_kernel(c, machine.lanes), memory, {}, 0, 1, features);
      if (HasFatalFailure()) return;
    }
  }
}

// Products that lie half-way between two floats, and addends that decide which way they are rounded but are lost in a
// double: what rounds twice gets half of them wrong. The interpreter asks the C library.
TEST(CpuOpcodes, FmaRoundsOnce) {
  constexpr size_t count = 1024;
  std::mt19937 random(17);
  std::vector<Words> memory(3);
  for (size_t k = 0; k < count; ++k) {
    uint32_t a = 0, b = 0;  // odd, with a product of 25 bits
    do {
      a = 3 + 2 * (random() % 2000);
      b = ((1u << 24) / a + random() % ((1u << 24) / a)) | 1;
    } while (a * b < (1u << 24) || a * b >= (1u << 25));
    const auto addend = std::ldexp(1.0f, -30 - static_cast<int>(random() % 60));
    memory[0].push_back(std::bit_cast<uint32_t>(std::ldexp(static_cast<float>(a), -20)));
    memory[1].push_back(std::bit_cast<uint32_t>((random() % 2 ? 1.0f : -1.0f) * static_cast<float>(b)));
    memory[2].push_back(std::bit_cast<uint32_t>(random() % 2 ? addend : -addend));
  }
  memory.push_back(Words(count));
  for (const Machine& machine : machines()) {
    Kernel k;
    k.lanes = machine.lanes;
    for (const char* name : {"a", "b", "c"}) k.buffers.push_back({.name = name, .type = Type::f32});
    k.buffers.push_back({.name = "out", .type = Type::f32, .written = true});
    Builder builder(k);
    const int32_t first = builder.loop(builder.constant_i32(count), machine.lanes);
    const int32_t own = builder.emit(Op::add, first, builder.leaf(Op::lane));
    const auto operand = [&](int32_t buffer) { return builder.load(buffer, -1, own, 0); };
    builder.store(3, -1, own, 0, builder.emit(Op::fma, operand(0), operand(1), operand(2)));
    builder.end();
    expect_same(k, memory, {}, 0, 1, features_of(machine));
  }
}

TEST(CpuOpcodes, EveryArithmeticOpcodeHasACase) {
  for (int op = 0; op <= int(Op::barrier); ++op) {
    const bool on_gpus_only = Op(op) == Op::exp2 || Op(op) == Op::rcp || Op(op) == Op::tf32 || Op(op) == Op::bf16_pair;
    if (kernel::op_kind(Op(op)) != kernel::OpKind::arith || on_gpus_only) continue;
    const bool found = std::any_of(cases().begin(), cases().end(), [&](const Case& c) { return c.op == Op(op); });
    EXPECT_TRUE(found) << kernel::op_name(Op(op));
  }
}

// Hash arithmetic wraps in 32 bits although it may be uniform, and its result may be an index after a remainder.
TEST(CpuOpcodes, UniformHashesWrapAndIndex) {
  for (const Machine& machine : machines()) {
    Kernel k;
    k.lanes = machine.lanes;
    k.buffers = {{.name = "in", .type = Type::f32}, {.name = "out", .type = Type::f32, .written = true}};
    k.scalars = {"seed"};
    Builder b(k);
    const int32_t lane = b.leaf(Op::lane), group = b.leaf(Op::group);
    int32_t hash = b.emit(Op::mul, b.emit(Op::add, group, b.scalar(0)), b.constant_i32(int32_t(0x9E3779B1u)));
    hash = b.emit(Op::bxor, hash, b.emit(Op::shr, hash, b.constant_i32(15)));
    hash = b.emit(Op::mul, hash, b.constant_i32(int32_t(0x85EBCA77u)));
    const int32_t row = b.emit(Op::rem, hash, b.constant_i32(10));
    const int32_t from = b.emit(Op::add, b.emit(Op::mul, row, b.constant_i32(machine.lanes)), lane);
    const int32_t to = b.emit(Op::add, b.emit(Op::mul, group, b.constant_i32(machine.lanes)), lane);
    b.store(1, -1, to, 0, b.load(0, -1, from, 0));
    std::mt19937 random(3);
    expect_same(k, {random_floats(size_t(10 * machine.lanes), random), Words(size_t(20 * machine.lanes))}, {12345}, 3,
                20, features_of(machine));
  }
}

TEST(CpuOpcodes, LanesXorExchanges) {
  for (const Machine& machine : machines()) {
    for (int64_t mask = 1; mask < machine.lanes; mask *= 2) {
      Kernel k;
      k.lanes = machine.lanes;
      k.buffers = {{.name = "in", .type = Type::f32}, {.name = "out", .type = Type::f32, .written = true}};
      Builder b(k);
      const int32_t lane = b.leaf(Op::lane);
      const int32_t value = b.load(0, -1, lane, 0);
      const int32_t negative = b.lanes_xor(b.emit(Op::lt, value, b.constant(0.0f)), mask);
      b.store(1, -1, lane, 0, b.lanes_xor(value, mask));
      b.store(1, -1, lane, machine.lanes, b.emit(Op::to_f32, b.lanes_xor(lane, mask)));
      b.store(1, -1, lane, 2 * machine.lanes, b.emit(Op::to_f32, negative));
      b.store(1, -1, lane, 3 * machine.lanes, b.lanes_xor(b.load(0, -1, -1, 1), mask));
      std::mt19937 random(5);
      expect_same(k, {random_floats(size_t(machine.lanes), random), Words(size_t(4 * machine.lanes))}, {}, 0, 1,
                  features_of(machine));
    }
  }
}

}  // namespace
}  // namespace shoal::test
