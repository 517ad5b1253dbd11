// Planted faults, each of which the interpreter must catch, beside the kernel without it, which must run clean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"
#include "tests/kernel/sample_kernels.h"

namespace shoal::kernel {
namespace {

using testing::HasSubstr;

// Two warps of four lanes; %3 is the thread, and %4 its value.
constexpr const char* prelude = R"(kernel k warps 2 lanes 4 shared 16
buffer x global f32 size 0 offset 0 written
buffer tile shared f32 size 16 offset 0 written
buffer own local f32 size 4 offset 0 written
code
%0 = lane : i32
%1 = warp : i32
%2 = constant 4 : i32
%3 = mul %1 %2 : i32
%4 = add %3 %0 : i32
%5 = to_f32 %4 : f32
%6 = constant 1 : i32
%7 = bxor %4 %6 : i32
%8 = bxor %4 %2 : i32
%9 = constant 0 : i32
%10 = eq %0 %9 : pred
%11 = eq %1 %9 : pred
)";

std::vector<float> run(const std::string& code, uint64_t seed, int groups = 1) {
  std::vector<float> x(8, -1.0f);
  interpret(parse_kernel(prelude + code), 0, groups, {{x.data(), 8}}, {}, {.order_seed = seed});
  return x;
}

void clean(const std::string& code, const std::vector<float>& expected) {
  EXPECT_NO_THROW(verify(parse_kernel(prelude + code), "test")) << code;
  for (uint64_t seed = 0; seed <= 30; ++seed) {
    std::vector<float> got;
    ASSERT_NO_THROW(got = run(code, seed)) << code << "with seed " << seed;
    ASSERT_EQ(got, expected) << code << "with seed " << seed;
  }
}

// In every order: a race is one whether or not this order shows it in the result.
void caught(const std::string& code, const std::string& message, int groups = 1) {
  for (uint64_t seed = 0; seed <= 30; ++seed) {
    try {
      run(code, seed, groups);
      ADD_FAILURE() << "not caught: " << code << "with seed " << seed;
      return;
    } catch (const InternalError& error) {
      ASSERT_THAT(error.what(), HasSubstr(message)) << code << "with seed " << seed;
      ASSERT_THAT(error.what(), HasSubstr("kernel 'k' instruction "));
    }
  }
}

// Values of the thread with which a barrier of warp or group is exchanged.
std::string exchange(const std::string& barrier, const std::string& partner) {
  return "store tile[_, %4, 0] = %5\n" + barrier + "\n%" + (barrier.empty() ? "13" : "14") + " = load tile[_, " +
         partner + ", 0] : f32\nstore x[_, %4, 0] = %" + (barrier.empty() ? "13" : "14") + "\n";
}

TEST(KernelFaults, AMissingBarrierBetweenLanes) {
  clean(exchange("barrier group", "%7"), {1, 0, 3, 2, 5, 4, 7, 6});
  clean(exchange("barrier warp", "%7"), {1, 0, 3, 2, 5, 4, 7, 6});
  clean(exchange("barrier group", "%8"), {4, 5, 6, 7, 0, 1, 2, 3});
  for (uint64_t seed = 0; seed <= 30; ++seed) {
    // Either it reads what nobody wrote, or it races.
    EXPECT_THROW(run(exchange("", "%7"), seed), InternalError) << seed;
    EXPECT_THROW(run(exchange("barrier warp", "%8"), seed), InternalError) << seed;
  }
}

// All elements are written first, so that only the race can be what is found.
TEST(KernelFaults, ReadsRaceWithWrites) {
  const std::string filled = "store tile[_, %4, 0] = %5\nbarrier group\n", again = "store tile[_, %4, 0] = %5\n";
  const std::string race = "no barrier lies between, and one writes";
  caught(filled + again + "%15 = load tile[_, %7, 0] : f32\n", race);               // of a neighbour lane
  caught(filled + again + "%15 = load tile[_, %8, 0] : f32\n", race);               // of the other warp
  caught(filled + "%14 = load tile[_, %7, 0] : f32\n" + again, race);               // the read first
  caught(filled + "%14 = load tile[_, _, 3] : f32\nbarrier warp\n" + again, race);  // read by all, over warps
  caught(filled + again + "barrier warp\n%16 = load tile[_, %8, 0] : f32\n", race);
  clean(filled + again + "%15 = load tile[_, %4, 0] : f32\nstore x[_, %4, 0] = %15\n", {0, 1, 2, 3, 4, 5, 6, 7});
  clean(filled + "%14 = load tile[_, _, 3] : f32\nbarrier group\n" + again + "store x[_, %4, 0] = %14\n",
        {3, 3, 3, 3, 3, 3, 3, 3});
  // The other order of two barriers and two reads: the last reader's warp barrier does not order the first one.
  caught(
      filled + "%14 = load tile[_, _, 3] : f32\nbarrier warp\n%16 = load tile[_, _, 3] : f32\nbarrier warp\n" + again,
      race);
}

TEST(KernelFaults, WritesRaceWithWrites) {
  const std::string race = "no barrier lies between, and one writes";
  caught("store tile[_, %0, 0] = %5\n", race);             // lane 0 of both warps
  caught("store tile[_, _, 0] = %5\n", race);              // all
  caught("store x[_, _, 0] = %5\n", race);                 // in global memory
  caught("store tile[_, %1, 0] = %5\n", race);             // the lanes of a warp
  caught("when %10\nstore x[_, _, 0] = %5\nend\n", race);  // lane 0 of both warps
  clean("when %10\nwhen %11\nstore x[_, _, 0] = %5\nend\nend\n", {0, -1, -1, -1, -1, -1, -1, -1});
  clean("when %11\nstore x[_, %0, 0] = %5\nend\nbarrier group\nwhen %10\nwhen %11\nstore x[_, _, 3] = %5\nend\nend\n",
        {0, 1, 2, 0, -1, -1, -1, -1});
}

TEST(KernelFaults, GroupsRaceInGlobalMemory) {
  caught("store x[_, %4, 0] = %5\n", "no barrier lies between", 2);
  caught("barrier group\nstore x[_, %4, 0] = %5\nbarrier group\n", "no barrier lies between", 2);
  EXPECT_NO_THROW(run("%12 = load x[_, %4, 0] : f32\n", 0, 2));
  EXPECT_NO_THROW(run("store tile[_, %4, 0] = %5\n", 0, 2));  // each group has its own
}

TEST(KernelFaults, RacesAreLookedForOnRequestOnly) {
  std::vector<float> x(8);
  EXPECT_NO_THROW(interpret(parse_kernel(prelude + std::string("store x[_, _, 0] = %5\n")), 0, 1, {{x.data(), 8}}, {},
                            {.find_races = false}));
  EXPECT_EQ(x[0], 7.0f);  // the last thread in order
}

TEST(KernelFaults, IndicesOutsideTheirBuffer) {
  caught("%12 = load x[_, %4, 4] : f32\n", "of 'x', which has 8");  // the memory has 8, the declaration says nothing
  caught("%12 = load x[_, _, 8] : f32\n", "element 8 of 'x', which has 8");
  caught("store x[_, %4, -1] = %5\n", "element -1 of 'x', which has 8");
  caught("store tile[_, %4, 12] = %5\n", "of 'tile', which has 16");
  caught("%12 = load tile[_, %4, -8] : f32\n", "of 'tile', which has 16");
  caught("store own[_, _, 4] = %5\n", "element 4 of 'own', which has 4");
  caught("%12 = load own[_, _, -1] : f32\n", "element -1 of 'own', which has 4");
  caught("%12 = constant 9223372036854775807 : i64\n%13 = load x[%12, %4, 100] : f32\n", "of 'x', which has 8");
}

TEST(KernelFaults, ReadsOfWhatNobodyWrote) {
  const std::string unwritten = "is read before it was written";
  caught("%12 = load tile[_, _, 0] : f32\n", unwritten);
  caught("%12 = load own[_, _, 0] : f32\n", unwritten);
  caught("store own[_, _, 1] = %5\n%13 = load own[_, _, 0] : f32\n", unwritten);
  caught("when %10\nstore own[_, _, 0] = %5\nend\n%15 = load own[_, _, 0] : f32\n", unwritten);
  clean("store own[_, _, 1] = %5\n%13 = load own[_, _, 1] : f32\nstore x[_, %4, 0] = %13\n", {0, 1, 2, 3, 4, 5, 6, 7});
  // Nothing is left over from the group before.
  const std::string first_only =
      "%12 = group : i32\n%13 = eq %12 %9 : pred\nwhen %13\nstore tile[_, %4, 0] = %5\nend\n";
  caught(first_only + "barrier group\n%18 = load tile[_, %4, 0] : f32\n", unwritten, 2);
}

TEST(KernelFaults, BarriersThatNotAllReach) {
  caught("when %10\nbarrier group\nend\n", "does not come here");
  caught("when %10\nbarrier warp\nend\n", "does not come here");
  caught("when %11\nbarrier group\nend\n", "does not come here");
  caught("when %10\n%13 = lanes_xor %5 mask 1 : f32\nend\n", "does not come here");
  caught("when %10\nbarrier warp\nend\nbarrier warp\n", "does not come here");  // they wait at different ones
  caught("when %11\nbarrier group\nend\nbarrier group\n", "does not come here");
  caught("repeat\nbarrier warp\nagain %10\n", "does not come here");
  clean("when %11\nbarrier warp\nend\nbarrier group\nstore x[_, %4, 0] = %5\n", {0, 1, 2, 3, 4, 5, 6, 7});
}

TEST(KernelFaults, MessagesSayWhichThreadWhere) {
  try {
    run("store x[_, %4, 1] = %5\n", 0);
    FAIL();
  } catch (const InternalError& error) {
    EXPECT_STREQ(
        error.what(),
        "internal error: kernel 'k' instruction 12 'store x[_, %4, 1] = %5' in group 0 warp 1 lane 3: element 8 "
        "of 'x', which has 8");
  }
}

TEST(KernelFaults, ResultsDoNotDependOnTheOrder) {
  const Kernel k = kernel_with_every_opcode();
  std::vector<float> first;
  for (uint64_t seed = 0; seed <= 30; ++seed) {
    std::vector<float> in(64), out(256);
    std::vector<int32_t> numbers(64);
    for (size_t i = 0; i < in.size(); ++i) in[i] = 0.37f * static_cast<float>(i * i % 31);
    ASSERT_NO_THROW(
        interpret(k, 0, 1, {{in.data(), 64}, {out.data(), 256}, {numbers.data(), 64}}, {5}, {.order_seed = seed}))
        << seed;
    if (seed == 0) first = out;
    EXPECT_EQ(out, first) << seed;
  }
  EXPECT_GT(std::count_if(first.begin(), first.end(), [](float y) { return y != 0; }), 4);
}

}  // namespace
}  // namespace shoal::kernel
