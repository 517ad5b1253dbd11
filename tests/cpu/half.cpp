// Loads of f16 and bf16 through LLVM equal the interpreter for every bit pattern, in every form of access, with and
// without the instruction for it.
#include "run_both.h"

namespace shoal::test {
namespace {

using kernel::Builder;
using kernel::Kernel;
using kernel::Op;
using kernel::Type;

constexpr int64_t kPatterns = 65536;

// Two patterns a word, in order.
Words all_patterns() {
  Words words;
  for (uint32_t bits = 0; bits < kPatterns; bits += 2) words.push_back(bits | (bits + 1) << 16);
  return words;
}

enum class Form { vector, scalar, strided, gathered, masked, masked_gather };
constexpr Form kForms[] = {Form::vector,   Form::scalar, Form::strided,
                           Form::gathered, Form::masked, Form::masked_gather};

// out[i] = in[some permutation of i]; a scalar load repeats the first element of its group in all lanes.
Kernel make_kernel(Type element, Form form, int32_t lanes) {
  Kernel k;
  k.lanes = lanes;
  k.buffers = {{.name = "in", .type = element, .size = kPatterns},
               {.name = "out", .type = Type::f32, .size = kPatterns, .written = true}};
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane);
  const int32_t first = b.emit(Op::mul, b.leaf(Op::group), b.constant_i32(lanes));
  const int32_t own = b.emit(Op::add, first, lane);
  int32_t index = own;
  if (form == Form::scalar) index = b.leaf(Op::group);
  if (form == Form::strided)  // lanes far apart
    index = b.emit(Op::add, b.leaf(Op::group), b.emit(Op::mul, lane, b.constant_i32(kPatterns / lanes)));
  if (form == Form::gathered || form == Form::masked_gather) index = b.emit(Op::bxor, own, b.constant_i32(0x5a5b));
  const bool masked = form == Form::masked || form == Form::masked_gather;
  const auto copy = [&](int64_t offset) { b.store(1, -1, own, 0, b.load(0, -1, index, offset)); };
  if (!masked) copy(0);
  for (int parity : {0, 1}) {
    if (!masked) break;
    const int32_t bit = b.emit(Op::band, lane, b.constant_i32(1));
    b.when(b.emit(Op::eq, bit, b.constant_i32(parity)));
    copy(0);
    b.end();
  }
  return k;
}

TEST(CpuHalf, EveryPatternInEveryForm) {
  for (const Machine& machine : machines())
    for (Type element : {Type::f16, Type::bf16})
      for (Form form : kForms) {
        SCOPED_TRACE(static_cast<int>(form));
        const auto groups = static_cast<int32_t>(form == Form::scalar ? kPatterns / 16 : kPatterns / machine.lanes);
        expect_same(make_kernel(element, form, machine.lanes), {all_patterns(), Words(kPatterns)}, {}, 0,
                    std::min<int32_t>(groups, static_cast<int32_t>(kPatterns / machine.lanes)), features_of(machine));
        if (HasFatalFailure()) return;
      }
}

// Every pattern as a scalar: one lane each.
TEST(CpuHalf, EveryPatternAsAScalar) {
  for (const Machine& machine : machines())
    for (Type element : {Type::f16, Type::bf16}) {
      Kernel k;
      k.lanes = machine.lanes;
      k.buffers = {{.name = "in", .type = element, .size = kPatterns},
                   {.name = "out", .type = Type::f32, .size = k.lanes * kPatterns, .written = true}};
      Builder b(k);
      const int32_t i = b.loop(b.constant_i32(kPatterns));
      const int32_t own = b.emit(Op::add, b.emit(Op::mul, i, b.constant_i32(k.lanes)), b.leaf(Op::lane));
      b.store(1, -1, own, 0, b.load(0, -1, i, 0));
      b.end();
      expect_same(k, {all_patterns(), Words(size_t(k.lanes * kPatterns))}, {}, 0, 1, features_of(machine));
    }
}

// The instruction is used where the target has it, and nothing is called where it has not.
TEST(CpuHalf, TheInstructionIsUsedWhereThereIsOne) {
  const Kernel k = make_kernel(Type::f16, Form::vector, 8);
  const auto features = [](const char* level) { return emit::CpuFeatures{"x86-64", level}; };
  EXPECT_NE(emit::llvm(k, features("+avx,+f16c")).find("fpext <8 x half>"), std::string::npos);
  EXPECT_EQ(emit::llvm(k, features("+avx,-f16c")).find("half"), std::string::npos);
}

}  // namespace
}  // namespace shoal::test
