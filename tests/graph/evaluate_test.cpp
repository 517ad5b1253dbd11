// The evaluator against results worked out by hand.
#include "compiler/graph/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "compiler/graph/shuffle.h"
#include "compiler/graph/text.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

using Numbers = std::vector<double>;

// Value of output y of a graph text.
Numbers run(const std::string& text, const std::map<std::string, Array>& inputs = {}, int64_t members = 1) {
  return evaluate(parse_graph(text), {.members = members, .step = 5, .inputs = inputs}).at("y").values;
}
const std::string matrix = "x = input(name=\"x\", shape=[2, 3])\n";
const std::map<std::string, Array> one_to_six = {{"x", {{1, 2, 3, 4, 5, 6}}}};

TEST(Evaluate, MovesElements) {
  EXPECT_EQ(run(matrix + "out y = transpose(x, dims=[1, 0])", one_to_six), (Numbers{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(run(matrix + "out y = slice(x, low=[0, 1], shape=[2, 2])", one_to_six), (Numbers{2, 3, 5, 6}));
  EXPECT_EQ(run(matrix + "out y = pad(x, low=[0, 1], high=[1, 0], value=9)", one_to_six),
            (Numbers{9, 1, 2, 3, 9, 4, 5, 6, 9, 9, 9, 9}));
  EXPECT_EQ(run(matrix + "out y = concat(x, x, dim=1)", one_to_six), (Numbers{1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6}));
  EXPECT_EQ(run(matrix + "out y = broadcast(x, shape=[3, 2, 2], dims=[1, 0])", one_to_six),
            (Numbers{1, 1, 4, 4, 2, 2, 5, 5, 3, 3, 6, 6}));
  EXPECT_EQ(run(matrix + "out y = gather(x, 1)", one_to_six), (Numbers{4, 5, 6}));
  EXPECT_EQ(run(matrix + "out y = index(shape=[2, 3], dim=0)", one_to_six), (Numbers{0, 0, 0, 1, 1, 1}));
}

TEST(Evaluate, WindowsOverlapAndPad) {
  const std::string attributes = "dims=[1], kernel=[3], stride=[2], low=[1], high=[1]";
  // Rows 1 2 3 and 4 5 6, padded by 7, at positions 0 and 2.
  EXPECT_EQ(run(matrix + "out y = window(x, " + attributes + ", value=7)", one_to_six),
            (Numbers{7, 1, 2, 2, 3, 7, 7, 4, 5, 5, 6, 7}));
  // Each window gives its elements back: the middle one belongs to two.
  EXPECT_EQ(
      run(matrix + "out y = unwindow(window(x, " + attributes + "), shape=[2, 3], " + attributes + ")", one_to_six),
      (Numbers{1, 4, 3, 4, 10, 6}));
}

TEST(Evaluate, Reduces) {
  EXPECT_EQ(run(matrix + "out y = reduce(x, dims=[0])", one_to_six), (Numbers{5, 7, 9}));
  EXPECT_EQ(run(matrix + "out y = reduce(x, reduction=max, dims=[1])", one_to_six), (Numbers{3, 6}));
  EXPECT_EQ(run(matrix + "out y = reduce(x, reduction=min, dims=[0, 1])", one_to_six), (Numbers{1}));
}

TEST(Evaluate, ContractsByLetters) {
  EXPECT_EQ(run(matrix + "out y = contract(x, x, a=\"ai\", b=\"bi\", out=\"ab\")", one_to_six),
            (Numbers{14, 32, 32, 77}));
  EXPECT_EQ(run(matrix + "out y = contract(x, x, a=\"ai\", b=\"aj\", out=\"ji\")", one_to_six),
            (Numbers{17, 22, 27, 22, 29, 36, 27, 36, 45}));
  EXPECT_EQ(run(matrix + "out y = contract(x, 2, a=\"ai\", out=\"i\")", one_to_six), (Numbers{10, 14, 18}));
}

TEST(Evaluate, KeepsMembersApartAndSumsSamples) {
  const std::string text = R"(graph g batch=2
x = input(name="x", shape=[2], varies=sample)
w = input(name="w", shape=[2], varies=member)
dot = contract(x, w, a="i", b="i")
)";
  const std::map<std::string, Array> inputs = {{"x", {{1, 2, 3, 4}}}, {"w", {{1, 0, 10, 100, 0, -1}}}};
  EXPECT_EQ(run(text + "out y = dot", inputs, 3), (Numbers{1, 3, 210, 430, -2, -4}));
  EXPECT_EQ(run(text + "out y = reduce(dot, over_sample=true)", inputs, 3), (Numbers{4, 640, -6}));
  EXPECT_EQ(run(text + "out y = contract(x, w, a=\"i\", b=\"i\", over_sample=true)", inputs, 3), (Numbers{4, 640, -6}));
  EXPECT_EQ(run(text + "out y = reduce(dot, reduction=max, over_sample=true)", inputs, 3), (Numbers{3, 430, -2}));
  EXPECT_EQ(run(text + "out y = position() * 10 + step()", inputs, 3), (Numbers{5, 15}));
}

TEST(Evaluate, ScalarsFollowTheirDefinitions) {
  const auto value = [](const std::string& expression) { return run("out y = " + expression)[0]; };
  EXPECT_EQ(value("cast(7, dtype=i32) / cast(2, dtype=i32)"), 3);
  EXPECT_EQ(value("rem(7, 4)"), 3);
  EXPECT_EQ(value("cast(-1.9, dtype=i32)"), -1);
  EXPECT_EQ(value("constant(value=2147483647, dtype=i32) + 1"), -2147483648.0);
  EXPECT_EQ(value("constant(value=65537, dtype=i32) * 65537"), 131073);  // 2^32 + 2^17 + 1 wrapped
  EXPECT_EQ(value("floor(-1.5)"), -2);
  EXPECT_EQ(value("select(1 < 2, 3, 4)"), 3);
  EXPECT_EQ(value("where(logical_and(1 < 2, 2 < 1), 3, 4)"), 4);
  EXPECT_EQ(value("erf(0.5)"), std::erf(0.5));
  EXPECT_TRUE(std::isnan(value("max(0, constant(value=nan))")));
  EXPECT_EQ(value("max(constant(value=nan), 0)"), 0);
  EXPECT_EQ(value("shuffle(3, 8, 9, n=10)"), shuffle_index(3, 10, 8, 9));
  EXPECT_THROW(value("rem(7, 0)"), SpecError);
  EXPECT_THROW(value("shuffle(10, 8, 9, n=10)"), SpecError);
}

TEST(Evaluate, RefusesMissingAndMissizedInputs) {
  EXPECT_THROW(run(matrix + "out y = x"), SpecError);
  EXPECT_THROW(run(matrix + "out y = x", {{"x", {{1, 2}}}}), SpecError);
  EXPECT_THROW(run(matrix + "out y = gather(x, 2)", one_to_six), SpecError);
}

}  // namespace
}  // namespace shoal
