// Estimates of kernels small enough to count by hand.
#include <gtest/gtest.h>

#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"

namespace shoal::kernel {
namespace {

Kernel parsed(const std::string& code, const std::string& title = "kernel k warps 1 lanes 1 shared 8") {
  const Kernel k = parse_kernel(title + R"(
buffer x global f32 size 64 offset 0 written
buffer tile shared f32 size 8 offset 0 written
buffer own local f32 size 4 offset 0 written
scalar n
code
)" + code);
  verify(k, "test");
  return k;
}

TEST(KernelEstimate, StraightCode) {
  const Estimate e = estimate(parsed(R"(%0 = constant 2 : f32
%1 = fma %0 %0 %0 : f32
%2 = add %1 %0 : f32
%3 = div %2 %0 : f32
%4 = sqrt %3 : f32
%5 = lt %4 %0 : pred
%6 = select %5 %4 %0 : f32
%7 = to_i32 %6 : i32
%8 = add %7 %7 : i32
%9 = div %8 %7 : i32
store own[_, _, 0] = %6
)"),
                              {0});
  EXPECT_EQ(e.fma, 1);
  EXPECT_EQ(e.flops, 2 + 5);  // the fma is two; add, div, sqrt, lt, select one each
  EXPECT_EQ(e.transcendental, 2);
  EXPECT_EQ(e.integer, 3);        // to_i32, add, div
  EXPECT_EQ(e.instructions, 10);  // the constant is a register
  EXPECT_EQ(e.global_bytes, 0);
  EXPECT_EQ(e.shared_bytes, 0);
  EXPECT_EQ(e.barriers, 0);
}

TEST(KernelEstimate, AllThreadsCount) {
  const Estimate e = estimate(parsed(R"(%0 = lane : i32
%1 = load x[_, %0, 0] : f32
%2 = fma %1 %1 %1 : f32
store tile[_, %0, 0] = %2
barrier group
%5 = load tile[_, %0, 0] : f32
)",
                                     "kernel k warps 2 lanes 4 shared 8"),
                              {0});
  EXPECT_EQ(e.fma, 8);
  EXPECT_EQ(e.flops, 16);
  EXPECT_EQ(e.global_bytes, 8 * 4);
  EXPECT_EQ(e.shared_bytes, 2 * 8 * 4);
  EXPECT_EQ(e.instructions, 5);  // of one thread
  EXPECT_EQ(e.barriers, 1);
}

TEST(KernelEstimate, LanesThatDoNotStandSideBySideAreScattered) {
  const Estimate e = estimate(parsed(R"(%0 = lane : i32
%1 = load x[_, %0, 0] : f32
%2 = constant 3 : i32
%3 = mul %0 %2 : i32
%4 = load x[_, %3, 0] : f32
%5 = load x[_, %2, 0] : f32
store x[_, %3, 1] = %4
)",
                                     "kernel k warps 1 lanes 4 shared 16"),
                              {0});
  EXPECT_EQ(e.scattered, 2);
}

TEST(KernelEstimate, LoopsMultiply) {
  const Kernel k = parsed(R"(%0 = constant 3 : i32
%1 = scalar 0 : i32
%2 = constant 1 : f32
%3 = add %0 %1 : i32
%4 = loop %3 step 4 : i32
%5 = fma %2 %2 %2 : f32
%6 = loop %0 step 1 : i32
%7 = fma %2 %2 %2 : f32
end
end
)");
  EXPECT_EQ(estimate(k, {6}).fma, 3 + 3 * 3);  // counters 0, 4, 8 of 9
  EXPECT_EQ(estimate(k, {5}).fma, 2 + 2 * 3);  // 0, 4 of 8
  EXPECT_EQ(estimate(k, {-3}).fma, 0);
  EXPECT_EQ(estimate(k, {-100}).fma, 0);
  EXPECT_EQ(estimate(k, {6}).instructions, 1 + 1 + 3 * (1 + 1 + 3 * 2 + 1));
}

TEST(KernelEstimate, CountsThatAreNotKnown) {
  // A count from memory is one trip, one from the lane is that of lane 0.
  EXPECT_EQ(estimate(parsed(R"(%0 = constant 1 : f32
%1 = load x[_, _, 0] : f32
%2 = to_i32 %1 : i32
%3 = loop %2 step 1 : i32
%4 = fma %0 %0 %0 : f32
end
)"),
                     {0})
                .fma,
            1);
  EXPECT_EQ(estimate(parsed(R"(%0 = constant 1 : f32
%1 = constant 5 : i32
%2 = group : i32
%3 = add %1 %2 : i32
%4 = loop %3 step 1 : i32
%5 = fma %0 %0 %0 : f32
end
)"),
                     {0})
                .fma,
            5);
}

TEST(KernelEstimate, WhenIsFullAndRepeatOnce) {
  const Estimate e = estimate(parsed(R"(%0 = constant 1 : f32
%1 = lt %0 %0 : pred
when %1
%3 = fma %0 %0 %0 : f32
end
repeat
%6 = fma %0 %0 %0 : f32
again %1
)"),
                              {0});
  EXPECT_EQ(e.fma, 2);
  EXPECT_EQ(e.instructions, 7);
}

TEST(KernelEstimate, AWideAccessIsOneInstructionOfAllItsBytes) {
  const Estimate e = estimate(parsed(R"(%0 = load x[_, _, 0] x4 : f32
%1 = load x[_, _, 1] x0 : f32
%2 = load x[_, _, 2] x0 : f32
%3 = load x[_, _, 3] x0 : f32
)"),
                              {0});
  EXPECT_EQ(e.global_bytes, 16);
  EXPECT_EQ(e.instructions, 1);
}

TEST(KernelEstimate, NeedsItsScalars) { EXPECT_THROW(estimate(parsed("%0 = scalar 0 : i32\n"), {}), InternalError); }

}  // namespace
}  // namespace shoal::kernel
