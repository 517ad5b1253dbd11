// What the LLVM emitter writes: scalars stay scalar, accesses are as cheap as their stride allows, loops carry phis.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/emit/emit.h"
#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"

namespace shoal::emit {
namespace {

using kernel::Builder;
using kernel::Kernel;
using kernel::Op;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

const CpuFeatures kAvx2{.cpu = "x86-64-v3", .features = "+sse4.1,+avx,+avx2,+fma"};
const CpuFeatures kSse2{.cpu = "x86-64", .features = "-sse4.1,-avx"};

class LlvmText : public ::testing::Test {
 protected:
  LlvmText() {
    k.lanes = 8;
    k.buffers = {{.name = "in"}, {.name = "out", .written = true}};
    k.scalars = {"n"};
  }
  std::string text(const CpuFeatures& features = kAvx2) const { return llvm(k, features); }
  Kernel k;
  Builder b{k};
};

TEST_F(LlvmText, HeaderStandsAboveAsComments) {
  k.header = "spec: xor\nflops: 12";
  EXPECT_TRUE(text().starts_with("; spec: xor\n; flops: 12\n"));
}

TEST_F(LlvmText, BarriersOfTheGroupCallTheTeamsFunctionAndThoseOfAWarpNothing) {
  b.barrier(true);
  b.store(1, -1, b.leaf(Op::warp), 0, b.constant(1.0f));
  EXPECT_THAT(text(), Not(HasSubstr("call void %t")));  // one warp: nobody to wait for
  k.warps = 2;
  const std::string ir = text();
  const std::string call = "= load ptr, ptr %team, align 8\n  call void %t";
  EXPECT_NE(ir.find(call), ir.rfind(call)) << "one more after each group\n" << ir;
  EXPECT_THAT(ir, HasSubstr("getelementptr inbounds float, ptr %b_out, i64 %"));
  EXPECT_THAT(ir, HasSubstr("sext i32 %warp to i64"));
  // Another thread may write what this one has read.
  EXPECT_THAT(ir, HasSubstr("(ptr noalias readonly %b_in, ptr %b_out, i32 %s_n, ptr align 64 %scratch"));
  k.code.clear();
  Builder only_warp(k);
  only_warp.barrier(false);
  EXPECT_EQ(text().find(call), text().rfind(call)) << "none but the one after the group\n" << text();
}

TEST_F(LlvmText, UniformArithmeticStaysScalarUntilAVectorWantsIt) {
  const int32_t lane = b.leaf(Op::lane);
  const int32_t rate = b.emit(Op::mul, b.load(0, -1, -1, 3), b.constant(0.5f));
  b.store(1, -1, lane, 0, b.emit(Op::mul, b.load(0, -1, lane, 8), rate));
  b.store(1, -1, lane, 8, b.emit(Op::add, b.load(0, -1, lane, 8), rate));
  const std::string ir = text();
  EXPECT_THAT(ir, ContainsRegex("fmul float %v[0-9]+, 0x3FE0000000000000"));
  EXPECT_EQ(ir.find("insertelement"), ir.rfind("insertelement")) << "one splat for both users\n" << ir;
}

TEST_F(LlvmText, StridesDecideTheAccess) {
  const int32_t lane = b.leaf(Op::lane);
  b.store(1, -1, lane, 0, b.load(0, -1, lane, 0));
  EXPECT_THAT(text(), ContainsRegex("load <8 x float>, ptr %b_in, align 4"));
  EXPECT_THAT(text(), Not(HasSubstr("masked")));
  const int32_t wanted = b.emit(Op::bits_i32, b.load(0, -1, lane, 0));
  b.store(1, -1, lane, 0, b.load(0, -1, wanted, 0));
  EXPECT_THAT(text(), HasSubstr("@llvm.x86.avx2.gather.d.ps.256"));
  EXPECT_THAT(text(kSse2), HasSubstr("@llvm.masked.gather.v8f32.v8p0"));
  b.store(1, -1, lane, 8, b.load(0, -1, wanted, 1));
  EXPECT_THAT(text(), ContainsRegex("load <2 x float>, ptr %t[0-9]+, align 4"));
  EXPECT_THAT(text(), Not(HasSubstr("gather")));
}

TEST_F(LlvmText, GuardsStandOnlyWhereACountMayBeZero) {
  b.loop(b.constant_i32(4));
  b.store(1, -1, -1, 0, b.constant(1.0f));
  b.end();
  EXPECT_THAT(text(), Not(HasSubstr("icmp sgt")));
  b.loop(b.scalar(0));
  b.store(1, -1, -1, 0, b.constant(1.0f));
  b.end();
  EXPECT_THAT(text(), HasSubstr("icmp sgt i64"));
}

TEST_F(LlvmText, VarsArePhisAndNeverMemory) {
  const int32_t lane = b.leaf(Op::lane);
  const int32_t sum = b.var(b.constant(0.0f));
  const int32_t i = b.loop(b.scalar(0));
  b.set(sum, b.emit(Op::add, b.get(sum), b.load(0, -1, b.emit(Op::add, i, lane), 0)));
  b.end();
  b.store(1, -1, lane, 0, b.get(sum));
  EXPECT_THAT(text(), HasSubstr("phi <8 x float>"));
  EXPECT_THAT(text(), Not(HasSubstr("alloca")));
}

TEST_F(LlvmText, OneIndexIsOnePointerHoweverOftenUsed) {
  const int32_t i = b.loop(b.scalar(0));
  const int32_t lane = b.leaf(Op::lane);
  const int32_t at = b.emit(Op::add, b.emit(Op::mul, i, b.constant_i32(8)), lane);
  b.store(1, -1, at, 0, b.emit(Op::add, b.load(0, -1, at, 16), b.load(0, -1, at, 24)));
  b.end();
  const std::string ir = text();
  const std::string base = "getelementptr inbounds float, ptr %b_in, i64 %";
  EXPECT_NE(ir.find(base), std::string::npos);
  EXPECT_EQ(ir.find(base), ir.rfind(base)) << ir;
  EXPECT_THAT(ir, Not(HasSubstr("sext i32 %v")));  // loop counters are 64 bits wide from the start
}

TEST_F(LlvmText, StoresUnderAMaskAreMasked) {
  const int32_t lane = b.leaf(Op::lane);
  b.when(b.emit(Op::lt, lane, b.scalar(0)));
  b.store(1, -1, lane, 0, b.constant(1.0f));
  b.end();
  EXPECT_THAT(text(), HasSubstr("@llvm.masked.store.v8f32.p0"));
}

TEST_F(LlvmText, FloorWithoutSse41NeedsNoLibrary) {
  const int32_t lane = b.leaf(Op::lane);
  b.store(1, -1, lane, 0, b.emit(Op::floor, b.load(0, -1, lane, 0)));
  EXPECT_THAT(text(kAvx2), HasSubstr("@llvm.floor.v8f32"));
  EXPECT_THAT(text(kSse2), Not(HasSubstr("@llvm.floor")));
}

TEST_F(LlvmText, SpecialConstantsAreExact) {
  for (float value : {INFINITY, -INFINITY, -0.0f, 1e-45f}) b.store(1, -1, -1, 0, b.constant(value));
  b.store(1, -1, -1, 0, b.constant(std::nanf("1")));
  for (const char* literal :
       {"0x7FF0000000000000", "0xFFF0000000000000", "0x8000000000000000", "0x36A0000000000000", "0x7FF8000020000000"}) {
    EXPECT_THAT(text(), HasSubstr(literal));
  }
}

}  // namespace
}  // namespace shoal::emit
