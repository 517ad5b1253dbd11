// Graph text: round trips, infix notation, and errors at their place.
#include "compiler/graph/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/graph/evaluate.h"
#include "compiler/graph/verify.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

using testing::HasSubstr;

constexpr std::string_view every_attribute = R"(graph "my net" batch=32 precision=f32x3 fast_math
x = input(name="x, \"quoted\"\n", role=data, shape=[2, 6], varies=sample)
w = input(name="0.weight", role=parameter, shape=[4, 6], varies=member)
key = input(name="key", role=key, dtype=i32, varies=member)
%3 = constant(value=0.1)
%4 = constant(value=1e-300)
%5 = constant(value=-0)
%6 = constant(value=inf)
%7 = constant(value=3, dtype=i32)
t = constant(value=1, dtype=bool)
h = contract(x, w, a="si", b="oi", out="so")
%10 = mul(h, %3)
%11 = reduce(%10, reduction=max, dims=[1])
%12 = window(x, dims=[1], kernel=[3], stride=[1], low=[1], high=[1], value=-inf)
%13 = unwindow(%12, shape=[2, 6], dims=[1], kernel=[3], stride=[1], low=[1], high=[1])
%14 = position()
%15 = step()
%16 = shuffle(%14, key, %15, n=100)
%17 = cast(%16, dtype=f32)
%18 = cast(%17, dtype=f32)
%19 = index(shape=[2, 6], dim=1)
%20 = contract(x, x, a="ab", b="ab", over_sample=true)
%21 = pad(w, low=[0, 1], high=[2, 0], value=0.5)
w2 = mul(w, %20)
out "a result" = h
out max = %11
next w = w2
next key = key as key_again
)";

void expect_equal(const Graph& a, const Graph& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.batch, b.batch);
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    EXPECT_EQ(a.nodes[i].prim, b.nodes[i].prim) << i;
    EXPECT_EQ(a.nodes[i].inputs, b.nodes[i].inputs) << i;
    EXPECT_EQ(a.nodes[i].attrs, b.nodes[i].attrs) << i;
    EXPECT_EQ(a.nodes[i].name, b.nodes[i].name) << i;
  }
  ASSERT_EQ(a.outputs.size(), b.outputs.size());
  for (size_t i = 0; i < a.outputs.size(); ++i) {
    EXPECT_EQ(a.outputs[i].name, b.outputs[i].name);
    EXPECT_EQ(a.outputs[i].value, b.outputs[i].value);
    EXPECT_EQ(a.outputs[i].state, b.outputs[i].state);
  }
}

TEST(GraphText, RoundTrips) {
  const Graph graph = parse_graph(every_attribute);
  EXPECT_EQ(graph.nodes.size(), 23u);
  verify(graph, "parse");
  const std::string text = print(graph);
  const Graph again = parse_graph(text);
  expect_equal(graph, again);
  EXPECT_EQ(print(again), text);
}

TEST(GraphText, PrintsOneNodeALineWithItsType) {
  const std::string text = print(parse_graph(every_attribute));
  EXPECT_THAT(text, HasSubstr("graph \"my net\" batch=32 precision=f32x3 fast_math\n"));
  EXPECT_THAT(text, HasSubstr("h = contract(x, w, a=\"si\", b=\"oi\", out=\"so\")  # f32[2, 4] member sample\n"));
  EXPECT_THAT(text, HasSubstr("%3 = constant(value=0.1)  # f32[]\n"));
  EXPECT_THAT(text, HasSubstr("%5 = constant(value=-0)"));
  EXPECT_THAT(text, HasSubstr("next key = key as key_again\n"));
}

double value_of(std::string_view formula, double x) {
  Graph graph;
  Node input{.prim = Prim::input, .attrs = {.name = "x"}};
  const NodeId id = graph.add(input);
  graph.outputs.push_back({.name = "y", .value = parse_expression(graph, formula, {"x"}, {id})});
  return evaluate(graph, {.inputs = {{"x", {{x}}}}}).at("y").values[0];
}

TEST(Expression, FollowsPrecedence) {
  EXPECT_EQ(value_of("1 + 2 * 3", 0), 7);
  EXPECT_EQ(value_of("(1 + 2) * 3", 0), 9);
  EXPECT_EQ(value_of("10 - 3 - 2", 0), 5);
  EXPECT_EQ(value_of("12 / 3 / 2", 0), 2);
  EXPECT_EQ(value_of("-x * 2 + 1", 3), -5);
  EXPECT_EQ(value_of("--x", 3), 3);
  EXPECT_EQ(value_of("2 - -x", 3), 5);
  EXPECT_EQ(value_of("where(x + 1 > 2 * x, x, -x)", 0.5), 0.5);
  EXPECT_EQ(value_of("where(x >= 1, 10, 20)", 1), 10);
  EXPECT_EQ(value_of("where(x != 1, 10, 20)", 1), 20);
  EXPECT_EQ(value_of("x *\n  square(x)  # cubed", 3), 27);
}

TEST(Expression, KnowsTheUsualFunctions) {
  // Doubles of a few operations each: 1e-14 is some fifty roundings.
  for (double x : {-30.0, -2.0, 0.0, 0.7, 30.0}) {
    EXPECT_EQ(value_of("relu(x)", x), x > 0 ? x : 0);
    EXPECT_NEAR(value_of("sigmoid(x)", x), 1 / (1 + std::exp(-x)), 1e-14);
    EXPECT_NEAR(value_of("softplus(x)", x), std::log1p(std::exp(x)), 1e-14 * (1 + std::fabs(x)));
    EXPECT_NEAR(value_of("x * sigmoid(x)", x), x / (1 + std::exp(-x)), 1e-14 * (1 + std::fabs(x)));
  }
}

TEST(Expression, NumbersTakeTheTypeOfTheirNeighbours) {
  Graph graph;
  const NodeId i = graph.add({.prim = Prim::position});
  EXPECT_EQ(graph[parse_expression(graph, "i * 2 + 1", {"i"}, {i})].dtype, DType::i32);
  EXPECT_EQ(graph[parse_expression(graph, "max(0, i)", {"i"}, {i})].dtype, DType::i32);
  EXPECT_EQ(graph[parse_expression(graph, "-i", {"i"}, {i})].dtype, DType::i32);
}

struct Bad {
  std::string text, message;
};

TEST(GraphText, SaysWhereAndWhat) {
  const Bad cases[] = {
      {"graph g batch=0\n", "graph:1:15: expected a positive whole number"},
      {"graph g batch=1 precision=f16\n", "graph:1:27: expected f32, f32x3, tf32 or bf16"},
      {"x = input(name=\"x\")\ny = tnah(x)\n", "graph:2:5: unknown function tnah (did you mean \"tanh\"?)"},
      {"hidden = step()\ny = cast(hiden, dtype=f32)", "graph:2:10: unknown value hiden (did you mean \"hidden\"?)"},
      {"y = %3\n", "graph:1:5: unknown value %3"},
      {"x = input(nam=\"x\")", "graph:1:11: input has no attribute nam (did you mean \"name\"?)"},
      {"x = input(name=\"x\", role=dta)", "graph:1:21: expected a role, got dta (did you mean \"data\"?)"},
      {"x = step()\nx = step()", "graph:2:1: x is defined twice"},
      {"x = step() step()", "graph:1:12: expected the end of the line"},
      {"x = step(\n", "graph:2:1: expected a value"},
      {"x = exp(step())", "graph:1:5: exp(i32[]): operands must be f32"},
      {"x = reduce(1, dims=[0.5])", "graph:1:15: expected a whole number"},
      {"x = 1 $ 2", "graph:1:7: expected the end of the line"},
      {"x = 1 ~ 2", "graph:1:7: unexpected character '~'"},
      {"x = 12ab", "graph:1:7: a number is followed by letters"},
      {"x = 1e999", "graph:1:5: a number that no double can hold"},
      {"x = input(name=\"x)", "graph:1:16: a string has no closing quote"},
      {"out a = 1\nout a = 2", "graph:2:1: there is already an output named \"a\""},
      {"x = step()\nnext x = x", "graph:2:1: only an input can have a next value"},
      {"= 3", "graph:1:1: expected a definition such as y = tanh(x)"},
  };
  for (const Bad& each : cases) {
    try {
      parse_graph(each.text);
      ADD_FAILURE() << each.text << " was accepted";
    } catch (const SpecError& error) {
      EXPECT_EQ(error.what(), each.message) << each.text;
    }
  }
}

TEST(Expression, SaysWhereInItsOneLine) {
  Graph graph;
  try {
    parse_expression(graph, "1 + (2 * y)", {}, {});
    ADD_FAILURE();
  } catch (const SpecError& error) {
    EXPECT_STREQ(error.what(), "expression:10: unknown value y");
    EXPECT_EQ(error.place, "expression:10");
  }
  EXPECT_THROW(parse_expression(graph, "1 +", {}, {}), SpecError);
  EXPECT_THROW(parse_expression(graph, "", {}, {}), SpecError);
  EXPECT_THROW(parse_expression(graph, "1 2", {}, {}), SpecError);
}

TEST(Expression, RefusesDeepNesting) {
  Graph graph;
  const auto nested = [](int depth) { return std::string(depth, '(') + "1" + std::string(depth, ')'); };
  EXPECT_NO_THROW(parse_expression(graph, nested(60), {}, {}));
  EXPECT_THROW(parse_expression(graph, nested(100000), {}, {}), SpecError);
  EXPECT_THROW(parse_expression(graph, std::string(100000, '-') + "1", {}, {}), SpecError);
}

// Texts cut off anywhere must be refused or read, never crash.
TEST(GraphText, SurvivesEveryPrefix) {
  for (size_t length = 0; length < every_attribute.size(); ++length) {
    try {
      verify(parse_graph(every_attribute.substr(0, length)), "parse");
    } catch (const SpecError& error) {
      EXPECT_THAT(error.what(), HasSubstr("graph:"));
    }
  }
}

}  // namespace
}  // namespace shoal
