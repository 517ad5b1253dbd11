// Neighbouring axes become one exactly where every access walks them as one.
#include <gtest/gtest.h>

#include "compiler/graph/text.h"
#include "tests/plan/plans.h"

namespace shoal::test {
namespace {

const char* const by_sample = "member=group sample=lane*8 tile=3x4";

// The extents of the unit axes of the nest that stores `name`.
Shape axes_of(const plan::Plan& plan, const std::string& name) {
  for (const plan::Nest& nest : plan.nests)
    for (const plan::Store& store : nest.stores) {
      if (plan.values[store.access.value].name != name) continue;
      Shape extents;
      for (const plan::Axis& axis : nest.axes)
        if (!axis.sample) extents.push_back(axis.extent);
      return extents;
    }
  throw std::runtime_error("no nest stores " + name);
}

Shape axes_of(const std::string& graph, const std::string& name) {
  return axes_of(plan_for(parse_graph("graph g batch=16\n" + graph), by_sample), name);
}

// The update of a convolution's weights: rows of nine, over all of which whole vectors run. Its dimension of one
// element between them has no axis.
TEST(MergeAxes, OfAnElementWiseNestToOneRow) {
  EXPECT_EQ(axes_of("w = input(name=\"w\", role=parameter, shape=[8, 1, 3, 3], varies=member)\n"
                    "g = input(name=\"g\", shape=[8, 1, 3, 3], varies=member)\n"
                    "y = sub(w, g)\n"
                    "out y = y\n",
                    "y"),
            Shape{72});
}

TEST(MergeAxes, OnlyWhereABroadcastGoesAlong) {
  EXPECT_EQ(axes_of("x = input(name=\"x\", shape=[4, 5, 6], varies=member)\n"
                    "b = input(name=\"b\", shape=[4], varies=member)\n"
                    "y = add(x, broadcast(b, shape=[4, 5, 6], dims=[0]))\n"
                    "out y = y\n",
                    "y"),
            (Shape{4, 30}));
}

TEST(MergeAxes, NotOfATransposedOperand) {
  EXPECT_EQ(axes_of("x = input(name=\"x\", shape=[4, 6], varies=member)\n"
                    "z = input(name=\"z\", shape=[6, 4], varies=member)\n"
                    "y = add(x, transpose(z, dims=[1, 0]))\n"
                    "out y = y\n",
                    "y"),
            (Shape{4, 6}));
}

TEST(MergeAxes, NotOfAPartOfEachRow) {
  EXPECT_EQ(axes_of("x = input(name=\"x\", shape=[4, 6], varies=member)\n"
                    "y = tanh(slice(x, shape=[4, 4], low=[0, 1]))\n"
                    "out y = y\n",
                    "y"),
            (Shape{4, 4}));
}

TEST(MergeAxes, NotWhereTheirCoordinateIsAsked) {
  EXPECT_EQ(axes_of("x = input(name=\"x\", shape=[4, 6], varies=member)\n"
                    "y = mul(x, cast(index(shape=[4, 6], dim=1), dtype=f32))\n"
                    "out y = y\n",
                    "y"),
            (Shape{4, 6}));
}

// A sum keeps its samples apart from what it reduces of each, and windows their rows.
TEST(MergeAxes, OfWhatASumReduces) {
  EXPECT_EQ(axes_of("x = input(name=\"x\", shape=[3, 4, 5], varies=sample)\n"
                    "y = reduce(x, dims=[1, 2], over_sample=true, reduction=sum)\n"
                    "out y = y\n",
                    "y"),
            (Shape{3, 20}));
  EXPECT_EQ(axes_of("x = input(name=\"x\", shape=[6, 6], varies=sample)\n"
                    "k = input(name=\"k\", role=parameter, shape=[3, 3], varies=member)\n"
                    "y = contract(window(x, dims=[0, 1], kernel=[3, 3], stride=[1, 1], low=[0, 0], high=[0, 0]), k, "
                    "a=\"yxkl\", b=\"kl\", out=\"yx\")\n"
                    "out y = y\n",
                    "y"),
            (Shape{4, 4, 3, 3}));
}

}  // namespace
}  // namespace shoal::test
