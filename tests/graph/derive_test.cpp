// Shapes, types and variation of primitives, and the message for each kind of misfit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/graph/scope.h"
#include "compiler/graph/text.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

using testing::HasSubstr;

// The graph of one expression over a few inputs.
NodeId expression(Graph& graph, std::string_view text) {
  Scope s(graph);
  const std::vector<std::string> names = {"x", "w", "i", "c", "v"};
  const std::vector<NodeId> values = {s.input("x", Role::input, {2, 3}, {.sample = true}).id,
                                      s.input("w", Role::parameter, {4, 3}, {.member = true}).id,
                                      s.input("i", Role::order, {}, {.sample = true}, DType::i32).id,
                                      s.input("c", Role::input, {2, 3}, {}, DType::boolean).id,
                                      s.input("v", Role::hyper, {}, {.member = true}).id};
  return parse_expression(graph, text, names, values);
}

struct Good {
  std::string text, type;
};

TEST(Derive, GivesShapeTypeAndVariation) {
  const Good cases[] = {
      {"x + v", "f32[2, 3] member sample"},
      {"x < v", "bool[2, 3] member sample"},
      {"select(c, x, 0)", "f32[2, 3] sample"},
      {"cast(x, dtype=i32)", "i32[2, 3] sample"},
      {"contract(x, w, a=\"ai\", b=\"oi\", out=\"oa\")", "f32[4, 2] member sample"},
      {"contract(x, w, a=\"ai\", b=\"oi\", out=\"o\", over_sample=true)", "f32[4] member"},
      {"contract(v, w, b=\"oi\", out=\"i\")", "f32[3] member"},
      {"reduce(x, reduction=max, dims=[0])", "f32[3] sample"},
      {"reduce(x, over_sample=true)", "f32[2, 3]"},
      {"broadcast(x, shape=[3, 5, 2], dims=[2, 0])", "f32[3, 5, 2] sample"},
      {"reshape(x, shape=[6])", "f32[6] sample"},
      {"transpose(x, dims=[1, 0])", "f32[3, 2] sample"},
      {"slice(x, low=[1, 0], shape=[1, 2])", "f32[1, 2] sample"},
      {"pad(x, low=[1, 0], high=[0, 2])", "f32[3, 5] sample"},
      {"concat(x, x, w, dim=0)", "f32[8, 3] member sample"},
      {"gather(w, i)", "f32[3] member sample"},
      {"window(w, dims=[0], kernel=[2], stride=[2], low=[1], high=[0])", "f32[2, 3, 2] member"},
      {"index(shape=[2, 3], dim=1)", "i32[2, 3]"},
      {"shuffle(i, 7, step(), n=10)", "i32[] sample"},
      {"position()", "i32[] sample"},
  };
  for (const Good& each : cases) {
    Graph graph;
    graph.batch = 2;
    const NodeId id = expression(graph, each.text);
    EXPECT_THAT(print(graph), HasSubstr("# " + each.type + "\n")) << each.text;
    const std::string text = print(graph);
    const std::string line = text.substr(text.rfind(fmt::format("%{} = ", id)));
    EXPECT_THAT(line, HasSubstr("# " + each.type + "\n")) << each.text;
  }
}

struct Bad {
  std::string text, problem;
};

TEST(Derive, SaysWhatDoesNotFit) {
  const Bad cases[] = {
      {"x + w", "shapes [2, 3] and [4, 3] do not broadcast"},
      {"x + i", "operands must both be f32 or both i32"},
      {"exp(i)", "exp(i32[]): operands must be f32"},
      {"exp(x, x)", "expected 1 operand, got 2"},
      {"rem(x, x)", "operands must be i32"},
      {"logical_and(x, c)", "operands must be bool"},
      {"select(x, x, x)", "the condition must be bool"},
      {"constant(value=1.5, dtype=i32)", "an i32 is a whole number"},
      {"contract(x, w, a=\"ai\", b=\"o\", out=\"a\")", "b=\"o\" needs one letter a dimension"},
      {"contract(x, w, a=\"io\", b=\"io\", out=\"o\")", "letter 'i' is 2 in a and 4 in b"},
      {"contract(x, w, a=\"aa\", b=\"oi\", out=\"o\")", "a has the letter 'a' twice"},
      {"contract(x, w, a=\"ai\", b=\"oi\", out=\"z\")", "letter 'z' of out is unknown"},
      {"contract(w, w, a=\"ai\", b=\"oi\", out=\"o\", over_sample=true)", "over_sample needs an operand that varies"},
      {"reduce(w, over_sample=true)", "over_sample needs an operand that varies"},
      {"reduce(x)", "nothing to reduce over"},
      {"reduce(x, dims=[2])", "dims names dimension 2 of 2"},
      {"reduce(x, dims=[1, 1])", "dims names dimension 1 twice"},
      {"broadcast(x, shape=[2, 4], dims=[0, 1])", "dimension 1 does not fit"},
      {"reshape(x, shape=[5])", "another number of elements"},
      {"reshape(x, shape=[0])", "extents must be positive"},
      {"reshape(x, shape=[100000, 100000])", "too many elements"},
      {"transpose(x, dims=[0])", "dims needs one number for each dimension"},
      {"slice(x, low=[1, 0], shape=[2, 3])", "2 from 1 is beyond 2"},
      {"pad(x, low=[1, -1], high=[0, 0])", "low has the bad number -1"},
      {"concat(x, w, dim=1)", "operands may differ in dimension 1 only"},
      {"concat()", "expected at least one operand"},
      {"gather(x, i)", "a table that varies over sample needs an index that varies over nothing"},
      {"gather(w, x)", "the index must be an i32 of rank 0"},
      {"window(w, dims=[0], kernel=[5], stride=[1], low=[0], high=[0])", "a kernel of 5 is longer than dimension 0"},
      {"window(w, dims=[0], kernel=[2], stride=[0], low=[0], high=[0])", "stride has the bad number 0"},
      {"unwindow(x, shape=[3], dims=[0], kernel=[3], stride=[1], low=[0], high=[0])",
       "windows of [3] have shape [1, 3]"},
      {"shuffle(i, i, i, n=0)", "n must be between 1"},
      {"index(shape=[2], dim=1)", "dim is no dimension of shape"},
  };
  for (const Bad& each : cases) {
    Graph graph;
    try {
      expression(graph, each.text);
      ADD_FAILURE() << each.text << " was accepted";
    } catch (const SpecError& error) {
      EXPECT_THAT(error.what(), HasSubstr(each.problem)) << each.text;
    }
  }
}

TEST(Derive, RankZeroOperandsNeedNoNodes) {
  Graph graph;
  Scope s(graph);
  const Value x = s.input("x", Role::input, {2, 3}, {.sample = true});
  const Value y = x * 2.0;
  EXPECT_EQ(graph.nodes.size(), 3u);  // x, 2, x * 2
  EXPECT_EQ(y.shape(), (Shape{2, 3}));
}

TEST(Scope, RefusesTwoParametersOfOneName) {
  Graph graph;
  Scope s(graph);
  s.set_prefix("0");
  s.parameter("weight", {2}, "{}", 1, 1);
  EXPECT_THROW(s.parameter("weight", {2}, "{}", 1, 1), SpecError);
  s.set_prefix("1");
  s.parameter("weight", {2}, "{}", 1, 1);
  EXPECT_EQ(s.parameters()[1].name, "1.weight");
}

TEST(Scope, NextRefusesAnotherShapeOrMoreAxes) {
  Graph graph;
  Scope s(graph);
  const Value m = s.state("m", {3});
  const Value x = s.input("x", Role::input, {3}, {.sample = true});
  EXPECT_THROW(s.next(m, s.constant(0)), SpecError);
  EXPECT_THROW(s.next(m, m + x), SpecError);
  s.next(m, m * 2.0);
  EXPECT_THROW(s.next(m, m), SpecError);
}

TEST(Scope, IdentitiesMakeNoNode) {
  Graph graph;
  Scope s(graph);
  const Value x = s.input("x", Role::input, {2, 3}, {});
  EXPECT_EQ(transpose(x, {0, 1}).id, x.id);
  EXPECT_EQ(reshape(x, {2, 3}).id, x.id);
  EXPECT_EQ(broadcast_to(x, {2, 3}).id, x.id);
  EXPECT_EQ(slice(x, {0, 0}, {2, 3}).id, x.id);
  EXPECT_EQ(pad(x, {0, 0}, {0, 0}).id, x.id);
  EXPECT_EQ(cast(x, DType::f32).id, x.id);
  EXPECT_EQ(graph.nodes.size(), 1u);
}

}  // namespace
}  // namespace shoal
