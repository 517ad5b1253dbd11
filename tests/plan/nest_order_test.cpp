// The order of nests: by region, by what must run before, loops as a whole.
#include "compiler/plan/nest_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shoal::plan {
namespace {

using testing::ElementsAre;

TEST(NestOrder, TheOldestThatIsReadyComesFirst) {
  NestOrder order;
  for (int nest = 0; nest < 4; ++nest) order.add(-1, {});
  EXPECT_THAT(order.sequence({0, 0, 0, 0}), ElementsAre(0, 1, 2, 3));
  order.must_precede(2, 0);
  EXPECT_THAT(order.sequence({0, 0, 0, 0}), ElementsAre(1, 2, 0, 3));
  EXPECT_THAT(order.sequence({1, 0, 0, 0}), ElementsAre(1, 2, 3, 0));
}

TEST(NestOrder, WhatMustRunBeforeIsKeptWithAllThatFollows) {
  NestOrder order;
  order.add(-1, {});
  order.add(-1, {0});
  order.add(-1, {1});
  order.add(-1, {});
  EXPECT_TRUE(order.precedes(0, 2));
  EXPECT_FALSE(order.precedes(2, 0));
  order.must_precede(3, 0);  // and so before 1 and 2, which were there already
  EXPECT_TRUE(order.precedes(3, 2));
  EXPECT_THAT(order.sequence({0, 0, 0, 0}), ElementsAre(3, 0, 1, 2));
}

TEST(NestOrder, ALoopRunsAsAWhole) {
  NestOrder order;
  order.add(-1, {});   // 0
  order.add(0, {0});   // 1, in the loop
  order.add(-1, {});   // 2
  order.add(0, {2});   // 3, in the loop: all of it waits for 2
  order.add(-1, {1});  // 4
  EXPECT_THAT(order.sequence({0, 0, 0, 0, 0}), ElementsAre(0, 2, 1, 3, 4));
  EXPECT_TRUE(order.runs_before(2, 1));  // 3 of the same loop waits for it
  EXPECT_FALSE(order.precedes(2, 1));
  EXPECT_FALSE(order.runs_before(1, 3));  // within a loop only what must
  EXPECT_FALSE(order.runs_before(2, 0));
}

TEST(NestOrder, WhatWaitsForEachOtherIsMissing) {
  NestOrder order;
  order.add(-1, {});
  order.add(-1, {0});
  order.must_precede(1, 0);
  EXPECT_THAT(order.sequence({0, 0}), ElementsAre());
  NestOrder loops;
  loops.add(0, {});
  loops.add(0, {0});
  loops.must_precede(1, 0);
  EXPECT_THAT(loops.sequence({0, 0}), ElementsAre());
}

}  // namespace
}  // namespace shoal::plan
