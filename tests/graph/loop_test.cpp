// Loops over time: what they compute, their text, and what the verifier refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "compiler/graph/evaluate.h"
#include "compiler/graph/loops.h"
#include "compiler/graph/scope.h"
#include "compiler/graph/text.h"
#include "compiler/graph/verify.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

using testing::HasSubstr;
using Numbers = std::vector<double>;

// h = h * 2 + x[t], from 1; and, backwards, the product of x.
constexpr std::string_view two_loops = R"(graph g batch=2
loop 0 extent=3
loop 1 extent=3 reversed
x = input(name="x", shape=[3], varies=sample)
one = constant(value=1)
two = constant(value=2)
t = time(loop=0)
h = carry(one, loop=0, varies=member+sample)
%6 = gather(x, t)
%7 = mul(h, two)
h2 = add(%7, %6)
%9 = last(h2, loop=0)
%10 = last(h, loop=0)
%11 = collect(h, loop=0)
%12 = collect(t, loop=0)
p = carry(one, loop=1, varies=member+sample)
back = time(loop=1)
%15 = gather(x, back)
p2 = mul(p, %15)
%17 = collect(p2, loop=1)
%18 = last(back, loop=1)
out h = %9
out h_before = %10
out all_h = %11
out times = %12
out products = %17
out last_time = %18
advance h = h2
advance p = p2
)";

TEST(Loop, RunsEveryIterationAndCarries) {
  const Graph graph = parse_graph(two_loops);
  verify(graph, "parse");
  const auto results = evaluate(graph, {.members = 2, .inputs = {{"x", {{1, 10, 100, 2, 3, 4}}}}});
  // Members repeat, because the carry varies over member and nothing in it differs.
  EXPECT_EQ(results.at("h").values, (Numbers{132, 26, 132, 26}));
  EXPECT_EQ(results.at("h_before").values, (Numbers{16, 11, 16, 11}));
  EXPECT_EQ(results.at("all_h").values, (Numbers{1, 3, 16, 1, 4, 11, 1, 3, 16, 1, 4, 11}));
  EXPECT_EQ(results.at("times").values, (Numbers{0, 1, 2}));
  EXPECT_EQ(results.at("products").values, (Numbers{1000, 1000, 100, 24, 12, 4, 1000, 1000, 100, 24, 12, 4}));
  EXPECT_EQ(results.at("last_time").values, (Numbers{0}));
}

// Two carries that exchange their values see those of the iteration before, whatever the order of the nodes.
TEST(Loop, AdvancesAllCarriesAtOnce) {
  Graph graph;
  Scope s(graph);
  const int32_t loop = s.loop(3);
  const Value a = s.carry(loop, s.constant(1), {}), b = s.carry(loop, s.constant(2), {});
  const Value next_b = a + 0.0, next_a = b + 10.0;
  s.advance(a, next_a);
  s.advance(b, next_b);
  s.output("a", last(next_a));
  s.output("b", last(next_b));
  verify(graph, "scope");
  const auto results = evaluate(graph, {});
  EXPECT_EQ(results.at("a").values, (Numbers{22}));  // (1, 2) -> (12, 1) -> (11, 12) -> (22, 11)
  EXPECT_EQ(results.at("b").values, (Numbers{11}));
}

TEST(Loop, MembershipFollowsOperands) {
  const Graph graph = parse_graph(two_loops);
  const std::vector<int32_t> expected = {-1, -1, -1, 0, 0, 0, 0, 0, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1};
  EXPECT_EQ(loop_of(graph), expected);
}

TEST(Loop, TextReadsBack) {
  const Graph graph = parse_graph(two_loops);
  const Graph again = parse_graph(print(graph));
  EXPECT_EQ(print(again), print(graph));
  EXPECT_EQ(again.loops, graph.loops);
  ASSERT_EQ(graph.loops.size(), 2u);
  EXPECT_TRUE(graph.loops[1].reversed);
  EXPECT_EQ(graph.loops[1].extent, 3);
  EXPECT_EQ(graph.loops[0].carried.size(), 1u);
  EXPECT_THAT(print(graph), HasSubstr("loop 1 extent=3 reversed\n"));
  EXPECT_THAT(print(graph), HasSubstr("advance h = h2\n"));
  EXPECT_THAT(print(graph), HasSubstr("h = carry(one, loop=0, varies=member+sample)"));
}

TEST(Loop, BadTextIsRefusedAtItsPlace) {
  const std::pair<std::string, std::string> bad[] = {
      {"loop 1 extent=3\n", "graph:1:1: expected loop 0"},
      {"loop 0 extent=0\n", "a loop of 0 iterations"},
      {"loop 0 length=3\n", "expected extent="},
      {"t = time(loop=0)\n", "there is no loop 0"},
      {"loop 0 extent=3\nt = time(loop=-1)\n", "expected the number of a loop"},
      {"loop 0 extent=3\nt = time(loop=0)\nadvance t = t\n", "only a carry advances"},
      {"loop 0 extent=3\nx = input(name=\"x\", varies=sample)\nh = carry(x, loop=0, varies=member)\n",
       "the initial value varies over more"},
      {"loop 0 extent=3\nh = carry(1, loop=0)\nadvance h = time(loop=0)\n", "advances to i32[]"},
      {"loop 0 extent=3\nh = carry(1, loop=0)\nadvance h = h + 1\nadvance h = h + 2\n", "advances twice"},
  };
  for (const auto& [text, problem] : bad) {
    try {
      parse_graph(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const SpecError& error) {
      EXPECT_THAT(error.what(), HasSubstr(problem)) << text;
    }
  }
}

TEST(Loop, VerifierFindsWhatIsBroken) {
  const Graph good = parse_graph(two_loops);
  const std::pair<std::string, std::function<void(Graph&)>> breakages[] = {
      {"loops over time cannot be nested", [](Graph& g) { g.nodes[15].inputs[1] = 5; }},
      {"a node of a loop follows a last or collect of it",
       [](Graph& g) { g.add({.prim = Prim::time, .attrs = {.loop = 0}}); }},
      {"an initial value is in a loop", [](Graph& g) { g.nodes[12].inputs[0] = 4; }},
      {"the operand is not in the loop", [](Graph& g) { g.nodes[17].inputs[0] = 3; }},
      {"a carry never advances", [](Graph& g) { g.loops[0].carried.clear(); }},
      {"a carry advances twice", [](Graph& g) { g.loops[0].carried.push_back(g.loops[0].carried[0]); }},
      {"a carry advances to a value outside its loop", [](Graph& g) { g.loops[1].carried[0].next = 1; }},
      {"a carry advances to a value that does not follow it", [](Graph& g) { g.loops[0].carried[0].next = 4; }},
      {"a carry advances to another shape or type", [](Graph& g) { g.loops[1].carried[0] = {12, 13}; }},
      {"no carry of its loop", [](Graph& g) { g.loops[0].carried[0].carry = 12; }},
      {"a carried value does not exist", [](Graph& g) { g.loops[0].carried[0].next = 99; }},
      {"output h is in a loop", [](Graph& g) { g.outputs[0].value = 7; }},
      {"there is no loop 2", [](Graph& g) { g.nodes[3].attrs.loop = 2; }},
  };
  EXPECT_NO_THROW(verify(good, "parse"));
  for (const auto& [problem, breakage] : breakages) {
    Graph broken = good;
    breakage(broken);
    try {
      verify(broken, "some_pass");
      ADD_FAILURE() << "not found: " << problem;
    } catch (const InternalError& error) {
      EXPECT_THAT(error.what(), HasSubstr(problem));
    }
  }
}

TEST(Loop, SamplesOwnSequencesAreReadAtOneTimeOnly) {
  Graph graph = parse_graph(
      "graph g batch=2\nx = input(name=\"x\", shape=[3, 2], varies=sample)\n"
      "i = input(name=\"i\", dtype=i32)\ny = gather(x, i)\nout y = y\n");
  const auto results = evaluate(graph, {.inputs = {{"x", {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}}, {"i", {{2}}}}});
  EXPECT_EQ(results.at("y").values, (Numbers{4, 5, 10, 11}));
}

}  // namespace
}  // namespace shoal
