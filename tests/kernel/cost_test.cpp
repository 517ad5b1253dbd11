// The loop tree, the traffic and the cost of kernels small enough to count by hand.
#include "compiler/kernel/cost.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "compiler/kernel/kernel.h"
#include "compiler/kernel/loop_tree.h"
#include "compiler/kernel/traffic.h"

namespace shoal::kernel {
namespace {

// Each group sums its 1024 rows of 8 floats, `steps` times over; the lane is an element of the row.
Kernel sums() {
  const Kernel k = parse_kernel(R"(kernel k warps 1 lanes 8 shared 0
buffer x global f32 size 0 offset 0
buffer y global f32 size 0 offset 0 written
scalar steps
code
%0 = group : i32
%1 = lane : i32
%2 = scalar 0 : i32
%3 = constant 8192 : i32
%4 = constant 0 : f32
%5 = mul %0 %3 : i32
%6 = to_i64 %5 : i64
%7 = loop %2 step 1 : i32
%8 = var %4 : f32
%9 = loop %3 step 8 : i32
%10 = get %8 : f32
%11 = add %9 %1 : i32
%12 = load x[%6, %11, 0] : f32
%13 = fma %12 %12 %10 : f32
set %8 %13
end
%16 = get %8 : f32
%17 = mul %1 %3 : i32
store y[_, %17, 0] = %16
end
)");
  verify(k, "test");
  return k;
}

TEST(LoopTree, HasTheLoopsAndWhatTheirBodiesDo) {
  const LoopTree tree = loop_tree(sums(), {5});
  ASSERT_EQ(tree.nodes.size(), 3u);
  const LoopNode &steps = tree.nodes[1], &rows = tree.nodes[2];
  EXPECT_EQ(steps.trips, 5);
  EXPECT_EQ(rows.parent, 1);
  EXPECT_EQ(rows.trips, 1024);
  EXPECT_EQ(rows.issue.fp, 1);
  EXPECT_EQ(rows.issue.loads, 1);
  EXPECT_EQ(rows.issue.scalar, 1);  // the address: the lane is part of the access
  EXPECT_EQ(rows.chain, Latency().fma);
  EXPECT_EQ(rows.accumulators, 1);
  // The store's lanes stand 8192 elements apart.
  EXPECT_EQ(steps.issue.stores, 8);
  EXPECT_EQ(steps.issue.shuffles, 8);
}

TEST(LoopTree, AccessesSayHowTheyMove) {
  const LoopTree tree = loop_tree(sums(), {5});
  ASSERT_EQ(tree.accesses.size(), 2u);
  const LoopAccess& load = tree.accesses[0];
  EXPECT_EQ(load.elements, 8);
  EXPECT_EQ(load.count, 1);
  using Strides = std::vector<std::pair<int32_t, int64_t>>;
  EXPECT_EQ(load.strides, (Strides{{0, 8192}, {2, 8}}));  // a group further, a row further
  const LoopAccess& store = tree.accesses[1];
  EXPECT_TRUE(store.store);
  EXPECT_EQ(store.count, 8);
  EXPECT_EQ(store.last - store.first, 7 * 8192);
}

TEST(LoopTree, LeavesOutWhatNeverRuns) {
  const Kernel k = parse_kernel(R"(kernel k warps 1 lanes 8 shared 0
buffer x global f32 size 8 offset 0 written
code
%0 = constant 0 : i32
%1 = constant 2 : f32
%2 = loop %0 step 1 : i32
%3 = fma %1 %1 %1 : f32
end
%5 = constant 3 : i32
%6 = lt %5 %0 : pred
when %6
%8 = fma %1 %1 %1 : f32
end
%10 = fma %1 %1 %1 : f32
)");
  const LoopTree tree = loop_tree(k, {});
  EXPECT_EQ(tree.nodes.size(), 1u);
  EXPECT_EQ(tree.nodes[0].issue.fp, 1);
}

TEST(Traffic, IsWhatDoesNotStayInTheCache) {
  const Kernel k = sums();
  const LoopTree tree = loop_tree(k, {5});
  const double row_bytes = 8192 * 4, lines = 8 * 4;  // x of one group; of y each lane's element
  const Traffic one(k, tree, 1);
  EXPECT_EQ(one.footprint(), row_bytes + lines);
  EXPECT_EQ(one.bytes_beyond(64 << 10), 0);  // launch after launch finds all in the cache
  // A smaller cache keeps nothing of x from one step to the next.
  EXPECT_EQ(one.bytes_beyond(16 << 10), 5 * (row_bytes + lines));
  // Three groups do not fit together, but each of them does while its steps run.
  const Traffic three(k, tree, 3);
  EXPECT_EQ(three.bytes_beyond(64 << 10), 3 * row_bytes + lines);
}

// Loop after loop: `a` is written, read, and read again behind `x`. `b` stands where `a` stood when `stands` is 0.
double traffic_of_loops(int64_t stands, double cache_bytes) {
  const Kernel k = parse_kernel(fmt::format(R"(kernel k warps 1 lanes 8 shared 4096
buffer x global f32 size 8192 offset 0
buffer a shared f32 size 2048 offset 0 written
buffer b shared f32 size 2048 offset {} written
scalar steps
code
%0 = scalar 0 : i32
%1 = constant 256 : i32
%2 = constant 1024 : i32
%3 = constant 8 : i32
%4 = lane : i32
%5 = constant 1 : f32
%6 = loop %0 step 1 : i32
%7 = loop %1 step 1 : i32
%8 = mul %7 %3 : i32
%9 = add %8 %4 : i32
store a[_, %9, 0] = %5
end
%12 = loop %1 step 1 : i32
%13 = mul %12 %3 : i32
%14 = add %13 %4 : i32
%15 = load a[_, %14, 0] : f32
store b[_, %14, 0] = %15
end
%18 = loop %2 step 1 : i32
%19 = mul %18 %3 : i32
%20 = add %19 %4 : i32
%21 = load x[_, %20, 0] : f32
end
%23 = loop %1 step 1 : i32
%24 = mul %23 %3 : i32
%25 = add %24 %4 : i32
%26 = load a[_, %25, 0] : f32
end
end
)",
                                            stands));
  const double steps = 10;
  return Traffic(k, loop_tree(k, {static_cast<int32_t>(steps)}), 1).bytes_beyond(cache_bytes) / steps;
}

// What a loop has left in the cache need not be brought in for the loops behind it, as long as they fit together.
TEST(Traffic, FindsWhatEarlierLoopsHaveLeft) {
  const double kib = 1024, a = 8 * kib, b = 8 * kib, x = 32 * kib;
  EXPECT_EQ(traffic_of_loops(2048, 56 * kib), 0);
  EXPECT_EQ(traffic_of_loops(2048, 24 * kib), a + b + x + a);        // behind x nothing is left of a
  EXPECT_EQ(traffic_of_loops(2048, 12 * kib), a + (a + b) + x + a);  // the first two loops do not fit together
  EXPECT_EQ(traffic_of_loops(0, 24 * kib), a + x + a) << "b takes the memory of a";
}

// Of lines that are 128 bytes apart each takes the place of two: what has the space in bytes may not stay.
TEST(Traffic, KnowsThatLinesShareSets) {
  const auto beyond = [](int step, double cache_bytes) {
    std::string text = print(sums());
    const std::string plain = "step 8 ";
    text.replace(text.find(plain), plain.size(), fmt::format("step {} ", step));
    const Kernel k = parse_kernel(text);
    const LoopTree tree = loop_tree(k, {5});
    return Traffic(k, tree, 1).bytes_beyond(cache_bytes);
  };
  const double lines = 256 * 64, result = 8 * 4;
  EXPECT_EQ(beyond(32, 24 << 10), 5 * (lines + result));  // in every step again
  EXPECT_EQ(beyond(32, 40 << 10), 0);
  EXPECT_EQ(beyond(24, 24 << 10), 0);  // 342 lines, but 96 bytes apart
}

TEST(Cost, OneAccumulatorWaitsAndEightDoNot) {
  const auto cost = [](int accumulators) {
    LoopTree tree;
    tree.nodes.resize(2);
    tree.nodes[0].children = {1};
    tree.nodes[1].parent = 0;
    tree.nodes[1].trips = 1000;
    tree.nodes[1].issue.fp = accumulators;
    tree.nodes[1].accumulators = accumulators;
    tree.nodes[1].chain = Latency().fma;
    return cost_of(tree);
  };
  EXPECT_GT(cost(1).latency, 2000);  // four cycles a turn, of which the loop itself takes one
  EXPECT_EQ(cost(8).latency, 0);
  EXPECT_EQ(cost(8).spills, 0);
  EXPECT_GT(cost(16).spills, 0);  // of 16 registers some must hold operands
  EXPECT_GE(cost(8).cycles, 1000 * 8 / Core().fp);
  EXPECT_LT(cost(8).cycles / 8, cost(1).cycles / 2);
}

}  // namespace
}  // namespace shoal::kernel
