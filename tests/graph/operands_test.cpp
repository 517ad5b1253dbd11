// What nodes hold in little memory: operands, and shared texts and lists.
#include "compiler/graph/operands.h"

#include <gtest/gtest.h>

#include "compiler/graph/graph.h"

namespace shoal {
namespace {

TEST(Operands, GrowBeyondThoseThatStandInTheObject) {
  Operands operands = {1, 2};
  for (NodeId id = 3; id <= 9; ++id) operands.push_back(id);
  const Operands copy = operands;
  EXPECT_EQ(std::vector<NodeId>(copy.begin(), copy.end()), (std::vector<NodeId>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  operands[8] = 0;
  EXPECT_NE(operands, copy);
  const Operands moved = std::move(operands);
  EXPECT_EQ(moved.back(), 0u);
  operands = {5};
  EXPECT_EQ(operands, Operands{5});
  EXPECT_NE(operands, (Operands{5, 5}));
}

TEST(Shared, CopiesAreOneValueAndEmptyOnesNone) {
  SharedList list = {2, 3};
  const SharedList copy = list;
  EXPECT_EQ(&*copy, &*list);
  EXPECT_EQ(copy, (SharedList{2, 3}));
  list = std::vector<int64_t>{2, 4};
  EXPECT_EQ(copy, (Shape{2, 3}));
  EXPECT_NE(copy, list);
  list = {};
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list, Shape{});
  EXPECT_EQ(SharedText("a"), "a");
  EXPECT_EQ(&*SharedText(), &*SharedText(std::string()));
}

}  // namespace
}  // namespace shoal
