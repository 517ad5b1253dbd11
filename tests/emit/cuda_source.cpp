// The text of emitted CUDA: literals, names, comments, inlining, and what the contract says about its form.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "compiler/emit/cuda_expression.h"
#include "compiler/emit/cuda_names.h"
#include "compiler/emit/emit.h"
#include "compiler/kernel/ranges.h"
#include "compiler/support/error.h"
#include "tests/emit/cuda_kernels.h"

namespace shoal::emit {
namespace {

using kernel::Builder;
using kernel::Kernel;
using kernel::Op;
using kernel::Space;
using kernel::Type;
using testing::HasSubstr;
using testing::Not;

Kernel two_buffers() {
  Kernel k;
  k.name = "k";
  k.lanes = 32;
  k.buffers = {{.name = "in", .size = 64}, {.name = "out", .size = 64}};
  return k;
}

TEST(CudaLiteral, FloatsReadBackExactlyWhetherRoundedOnceOrTwice) {
  std::mt19937 random(1);
  std::vector<float> values{0.0f,
                            -0.0f,
                            1.0f,
                            0.1f,
                            16777216.0f,
                            1e10f,
                            std::numeric_limits<float>::max(),
                            std::numeric_limits<float>::min(),
                            std::numeric_limits<float>::denorm_min()};
  for (int i = 0; i < 20000; i++) values.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
  for (float value : values) {
    if (!std::isfinite(value)) continue;
    const std::string text = float_literal(value).text;
    ASSERT_EQ(text.back(), 'f') << text;
    ASSERT_NE(text.find_first_of(".ep"), std::string::npos) << text << " would be an integer";
    ASSERT_EQ(std::bit_cast<uint32_t>(std::strtof(text.c_str(), nullptr)), std::bit_cast<uint32_t>(value)) << text;
    ASSERT_EQ(static_cast<float>(std::strtod(text.c_str(), nullptr)), value) << text;
  }
}

TEST(CudaLiteral, InfinitiesAndNaNGoThroughTheirBits) {
  EXPECT_EQ(float_literal(INFINITY).text, "__int_as_float(0x7f800000)");
  EXPECT_EQ(float_literal(-INFINITY).text, "__int_as_float(0xff800000)");
  EXPECT_THAT(float_literal(NAN).text, HasSubstr("__int_as_float(0x7fc00000)"));
}

TEST(CudaLiteral, TheSmallestIntegerIsNoNegatedOverflow) {
  EXPECT_EQ(int_literal(INT32_MIN).text, "(-2147483647 - 1)");
  EXPECT_EQ(as_unsigned(int_literal(-1)).text, "0xffffffffu");
}

TEST(CudaExpression, ParenthesesKeepTheTree) {
  const Expression a = name("a"), b = name("b"), c = name("c");
  const auto sum = [](const Expression& x, const Expression& y) { return binary(x, "+", y, Precedence::sum); };
  EXPECT_EQ(sum(sum(a, b), c).text, "a + b + c");
  EXPECT_EQ(sum(a, sum(b, c)).text, "a + (b + c)");
  EXPECT_EQ(binary(sum(a, b), "*", c, Precedence::product).text, "(a + b) * c");
  EXPECT_EQ(prefix("-", prefix("-", a)).text, "-(-a)");
  EXPECT_EQ(prefix("-", float_literal(-1)).text, "-(-1.0f)");
  EXPECT_EQ(conditional(conditional(a, b, c), a, b).text, "(a ? b : c) ? a : b");
  EXPECT_EQ(binary(sum(a, b), ">>", c, Precedence::shift).text, "(a + b) >> c");
}

TEST(CudaNames, AreIdentifiersClearOfKeywordsAndEachOther) {
  CudaNames names;
  EXPECT_EQ(names.unique("weight"), "weight");
  EXPECT_NE(names.unique("weight"), "weight");
  for (const char* wanted : {"int", "float4", "threadIdx", "lane", "shoal_arena", "v12", "x3", "", "9lives", "a b",
                             "a-b", "__syncthreads", "_Bool", "\xc3\xa9", "x;}system(\"rm\");//"}) {
    const std::string name = names.unique(wanted);
    EXPECT_NE(name, wanted);
    EXPECT_TRUE(std::isalpha(static_cast<unsigned char>(name[0]))) << name;
    for (char c : name) EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)) || c == '_') << name;
    EXPECT_EQ(name.find("__"), std::string::npos) << name;
  }
}

TEST(CudaNames, CommentsCannotBeLeft) {
  EXPECT_EQ(comment_lines("a\nb\\\nc\r\n\nd\\ \t"), "// a\n// b\\.\n// c\n//\n// d\\.\n");
}

TEST(CudaSource, SaysReadOnlyAndNeedsNothingElse) {
  Kernel k = two_buffers();
  k.header = "spec: {\"a\": 1}\nkey 00ff";
  Builder b(k);
  b.store(1, -1, b.leaf(Op::lane), 0, b.load(0, -1, b.leaf(Op::lane), 32));
  const std::string text = cuda(k);
  EXPECT_TRUE(
      text.starts_with("// spec: {\"a\": 1}\n// key 00ff\nextern \"C\" __global__ void __launch_bounds__(32) k("));
  EXPECT_THAT(cuda(k, 2), HasSubstr("\nextern \"C\" __global__ void __launch_bounds__(32, 2) k("));
  EXPECT_THAT(text, HasSubstr("const float* __restrict__ in,"));
  EXPECT_THAT(text, HasSubstr("\n    float* out) {"));
  EXPECT_THAT(text, HasSubstr("out[lane] = in[lane + 32];"));
  EXPECT_THAT(text, Not(HasSubstr("#include")));
  EXPECT_THAT(text, Not(HasSubstr("return")));
}

TEST(CudaSource, WrapsOnlyWhereIntegersCanOverflow) {
  Kernel k = two_buffers();
  k.scalars = {"seed"};
  k.buffers[1].type = Type::i32;
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane);
  b.store(1, -1, b.emit(Op::add, b.emit(Op::mul, lane, b.constant_i32(3)), lane), 0,
          b.emit(Op::mul, b.scalar(0), b.constant_i32(0x9e3779b9)));
  EXPECT_THAT(cuda(k), HasSubstr("out[lane * 3 + lane] = (int)((unsigned)seed * 0x9e3779b9u);"));
}

TEST(CudaSource, LoadsAreNotMadeConditional) {
  Kernel k = two_buffers();
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane), x = b.load(0, -1, lane, 0);
  b.store(1, -1, lane, 0, b.emit(Op::select, b.emit(Op::lt, lane, b.constant_i32(5)), x, b.constant(0.0f)));
  EXPECT_THAT(cuda(k),
              testing::ContainsRegex("const float v[0-9]+ = in.lane.;\n  out.lane. = lane < 5 . v[0-9]+ : 0.0f;"));
}

// What NVRTC need not analyse: all of shared memory, and in kernels the wide accesses of global memory. The constant of
// an address stands in the instruction. A device function's arrays may stand anywhere, so there they stay C++.
TEST(CudaSource, AccessesArePtxWithTheConstantApart) {
  Kernel k = two_buffers();
  k.shared_elements = 128;
  k.buffers.push_back({.name = "tile", .space = Space::shared, .size = 64, .offset = 64});
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane), four = b.emit(Op::mul, lane, b.constant_i32(4));
  const int32_t wide = b.load(0, -1, four, 4, 4);
  b.store(2, -1, lane, 32, wide);
  const int32_t back = b.load(2, -1, lane, 32);
  for (int n = 0; n < 4; ++n) b.store(1, -1, four, n, n == 0 ? back : wide + n, n == 0 ? 4 : 0);
  const std::string kernel = cuda(k), function = cuda_device_function(k);
  for (const char* line :
       {"asm volatile(\"ld.shared.f32 %0, [%1 + %2];\" : \"=f\"(a) : \"r\"(address), \"n\"(offset) : \"memory\")",
        "constexpr int tile = 256;", "shoal_store_shared_float(arena + (unsigned)lane * 4, tile + 128, ",
        ", arena + (unsigned)lane * 4, tile + 128);"}) {
    EXPECT_THAT(kernel, HasSubstr(line));
    EXPECT_THAT(function, HasSubstr(line));
  }
  EXPECT_THAT(kernel, HasSubstr("asm volatile(\"ld.global.nc.v4.f32 {%0, %1, %2, %3}, [%4 + %5];\""));
  EXPECT_THAT(kernel, HasSubstr(", in + v2, 16);"));
  EXPECT_THAT(kernel, HasSubstr("shoal_store_global_float4(out + v2, 0, v"));
  EXPECT_THAT(function, HasSubstr("*(const float4*)&in[v2 + 4];"));
  EXPECT_THAT(function, HasSubstr("*(float4*)&out[v2] = make_float4(v"));
}

// What was computed before the steps would stand in registers until they end.
TEST(CudaSource, AddressesBehindTheStepsAreComputedAnew) {
  Kernel k = two_buffers();
  k.scalars = {"steps"};
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane), row = b.emit(Op::mul, lane, b.constant_i32(3)),
                place = b.emit(Op::bxor, row, b.constant_i32(5)), read = b.load(0, -1, row, 0),
                sum = b.var(b.emit(Op::add, read, b.load(0, -1, place, 0)));
  b.loop(b.scalar(0));
  b.set(sum, b.emit(Op::mul, b.get(sum), read));
  b.end();
  b.store(1, -1, place, 0, b.get(sum));
  const std::string text = cuda(k);
  EXPECT_THAT(text, HasSubstr("asm volatile(\"mov.u32 %0, %%tid.x;\" : \"=r\"(x));"));
  EXPECT_THAT(text, Not(HasSubstr("const int group")));
  const std::string rest = text.substr(text.find("shoal_thread_again();\n"));
  EXPECT_THAT(rest, HasSubstr(fmt::format("const int v{} = lane * 3;", row)));
  EXPECT_THAT(rest, HasSubstr(fmt::format("const int v{0} = v{1} ^ 5;", place, row)));
  EXPECT_THAT(rest, Not(HasSubstr(fmt::format("v{} =", read))));  // memory is not read again
  EXPECT_THAT(cuda_device_function(k), Not(HasSubstr("again")));
}

TEST(CudaSource, OneBarrierOrCollectiveALine) {
  for (const auto& sample : cuda_kernels::all_samples()) {
    std::istringstream text(cuda(sample.kernel));
    for (std::string line; std::getline(text, line);) {
      size_t count = 0;
      for (size_t at = 0; (at = line.find("sync", at)) != std::string::npos; at++) count++;
      EXPECT_LE(count, 1u) << line;
      // A product of tensor cores has fourteen operands.
      EXPECT_LE(line.size(), line.find("shoal_mma_") == std::string::npos ? 200u : 400u) << line;
    }
  }
}

TEST(CudaSource, IsTheSameEveryTime) {
  for (const auto& sample : cuda_kernels::all_samples()) EXPECT_EQ(cuda(sample.kernel), cuda(sample.kernel));
}

TEST(CudaSource, RefusesWhatCudaCannotRun) {
  Kernel k = two_buffers();
  k.lanes = 16;
  k.warps = 2;
  EXPECT_THROW(cuda(k), InternalError);
  k.lanes = 32;
  k.name = "not a name";
  EXPECT_THROW(cuda(k), InternalError);
}

TEST(CudaRanges, AreBoundsOfWhatTheInterpreterComputes) {
  // Every pair of operand ranges is represented by its ends: an operation whose range misses a result at them is wrong.
  Kernel k = two_buffers();
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane), i = b.loop(b.constant_i32(10), 3);
  struct Case {
    int32_t value;
    int64_t low, high;
    bool exact;
  };
  const std::vector<Case> cases{
      {lane, 0, 31, true},
      {i, 0, 9, true},
      {b.emit(Op::sub, lane, i), -9, 31, true},
      {b.emit(Op::mul, b.emit(Op::sub, lane, i), i), -81, 279, true},
      {b.emit(Op::rem, lane, b.constant_i32(5)), 0, 4, true},
      {b.emit(Op::div, lane, b.constant_i32(5)), 0, 6, true},
      {b.emit(Op::band, b.emit(Op::sub, lane, i), b.constant_i32(7)), 0, 7, true},
      {b.emit(Op::bxor, lane, b.constant_i32(32)), 0, 63, true},
      {b.emit(Op::shr, lane, b.constant_i32(3)), 0, 3, true},
      {b.emit(Op::shl, lane, b.constant_i32(3)), 0, 248, true},
      {b.emit(Op::mul, b.leaf(Op::group), b.constant_i32(3)), INT32_MIN, INT32_MAX, false},
      {b.emit(Op::shl, lane, b.constant_i32(28)), INT32_MIN, INT32_MAX, false},
      {b.emit(Op::shr, b.emit(Op::sub, lane, i), b.constant_i32(1)), INT32_MIN, INT32_MAX, false},
  };
  const auto ranges = value_ranges(k);
  for (const Case& c : cases) {
    const std::string at = kernel::print(k) + " value " + std::to_string(c.value);
    EXPECT_EQ(ranges[c.value].range.low, c.low) << at;
    EXPECT_EQ(ranges[c.value].range.high, c.high) << at;
    EXPECT_EQ(ranges[c.value].exact, c.exact) << at;
  }
}

}  // namespace
}  // namespace shoal::emit
