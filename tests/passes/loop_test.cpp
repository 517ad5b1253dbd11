// Passes over graphs with loops over time: gradients against finite differences, simplified graphs against themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "compiler/graph/evaluate.h"
#include "compiler/graph/scope.h"
#include "compiler/graph/text.h"
#include "compiler/graph/verify.h"
#include "compiler/passes/passes.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

using testing::HasSubstr;
using testing::Not;
using Numbers = std::vector<double>;

constexpr int64_t batch = 2, members = 2;

// x: a sequence of each sample; m: one of each member; w, b, v: weights used inside the loop.
constexpr std::string_view inputs = R"(graph g batch=2
loop 0 extent=4
loop 1 extent=4 reversed
x = input(name="x", shape=[4, 3], varies=member+sample)
m = input(name="m", shape=[4, 3], varies=member)
w = input(name="w", role=parameter, shape=[3, 3], varies=member)
b = input(name="b", role=parameter, shape=[3], varies=member)
v = input(name="v", role=parameter, varies=member)
h0 = input(name="h0", shape=[3], varies=member)
zero = constant(value=0)
zeros = broadcast(zero, shape=[3], dims=[])
t = time(loop=0)
xt = gather(x, t)
mt = gather(m, t)
)";

NodeId find(const Graph& graph, const std::string& name) {
  for (NodeId id = 0; id < graph.nodes.size(); ++id)
    if (graph[id].name == name) return id;
  ADD_FAILURE() << "no " << name;
  return 0;
}

// What each of these computes is `result`, outside of the loop.
const std::vector<std::pair<std::string, std::string>>& cases() {
  static const std::string dense = "z = contract(h, w, a=\"h\", b=\"gh\", out=\"g\")\n";
  static const std::vector<std::pair<std::string, std::string>> all = {
      {"a plain recurrence, last state", "h = carry(zeros, loop=0, varies=member+sample)\n" + dense +
                                             "h2 = tanh(z + b + xt)\nadvance h = h2\nresult = last(h2, loop=0)\n"},
      {"all states, and an initial one that is trained", "h = carry(h0, loop=0, varies=member+sample)\n" + dense +
                                                             "h2 = tanh(z * v + xt)\nadvance h = h2\n"
                                                             "result = collect(h2, loop=0)\n"},
      {"last and collect of the same value", "h = carry(h0, loop=0, varies=member+sample)\n" + dense +
                                                 "h2 = tanh(z + xt)\nadvance h = h2\nall = collect(h2, loop=0)\n"
                                                 "end = last(h2, loop=0)\nresult = all * end\n"},
      {"the last of a value that is not carried", "h = carry(h0, loop=0, varies=member+sample)\n" + dense +
                                                      "h2 = tanh(z + xt)\nu = h2 * z * b\nadvance h = h2\n"
                                                      "result = last(u, loop=0)\n"},
      {"without a carry", "u = tanh(xt * b) * v\nresult = collect(u, loop=0)\n"},
      {"a sum over units, a window of slices",
       "h = carry(h0, loop=0, varies=member+sample)\n"
       "n = reduce(h * xt, dims=[0])\n"
       "h2 = concat(slice(h * n, low=[1], shape=[2]), slice(xt, low=[0], "
       "shape=[1]), dim=0)\nadvance h = h2\nresult = last(h2, loop=0)\n"},
      {"two carries, one of rank 0",
       "h = carry(h0, loop=0, varies=member+sample)\n"
       "c = carry(v, loop=0, varies=member+sample)\n"
       "h2 = tanh(h * c + xt)\nc2 = c * 0.5 + reduce(h2, dims=[0])\nadvance h = h2\n"
       "advance c = c2\nresult = last(h2, loop=0) + last(c2, loop=0)\n"},
      {"carries that advance to one value",
       "h = carry(h0, loop=0, varies=member+sample)\n"
       "k = carry(b, loop=0, varies=member+sample)\n"
       "h2 = tanh(h * xt + k)\nadvance h = h2\nadvance k = h2\n"
       "result = last(h2, loop=0)\n"},
      {"without samples", "h = carry(h0, loop=0, varies=member)\n" + dense +
                              "h2 = tanh(z + mt)\nadvance h = h2\nresult = last(h2, loop=0)\n"},
      {"a state that no sample has, read by samples",
       "h = carry(h0, loop=0, varies=member)\n"
       "h2 = tanh(h * b + mt)\nu = h2 * xt\nadvance h = h2\n"
       "result = collect(u, loop=0)\n"},
      {"the time itself",
       "h = carry(h0, loop=0, varies=member+sample)\n"
       "h2 = select(rem(t, 2) == 1, h * xt, h + b * cast(t, dtype=f32))\nadvance h = h2\n"
       "result = last(h2, loop=0)\n"},
      {"from the end to the start",
       "s = time(loop=1)\nh = carry(h0, loop=1, varies=member+sample)\nxs = gather(x, s)\n" + dense +
           "h2 = tanh(z + xs)\nu = h2 * xs\nadvance h = h2\n"
           "result = collect(h2, loop=1) * last(u, loop=1)\n"},
      {"one loop over what another collects",
       "h = carry(h0, loop=0, varies=member+sample)\n" + dense +
           "h2 = tanh(z + xt)\nadvance h = h2\n"
           "all = collect(h2, loop=0)\ns = time(loop=1)\nk = carry(zeros, loop=1, varies=member+sample)\n"
           "k2 = tanh(k * b + gather(all, s))\nadvance k = k2\nresult = collect(k2, loop=1)\n"},
      {"an initial value that counts although what follows does not",
       "h = carry(h0, loop=0, varies=member+sample)\n"
       "h2 = stop_gradient(tanh(h + xt))\n"
       "u = h * xt\nadvance h = h2\n"
       "result = collect(u, loop=0)\n"},
      {"a carry that nothing reads",
       "h = carry(h0, loop=0, varies=member+sample)\nh2 = xt * b\nadvance h = h2\n"
       "result = collect(h2, loop=0)\n"},
  };
  return all;
}

NodeId add_loss(Graph& graph) {
  Scope s(graph);
  const Value y{&s, find(graph, "result")};
  Value weighted = y * 0.7;
  for (int64_t d = 0; d < std::ssize(y.shape()); ++d)
    weighted = weighted + y * cos(cast(s.index(y.shape(), d), DType::f32) * 1.3 + static_cast<double>(d));
  if (y.varies().sample) weighted = sum_samples(weighted * (cast(s.position(), DType::f32) * 0.37 + 1.0));
  const Value loss = reduce(Reduction::sum, weighted);
  s.output("loss", loss);
  return loss.id;
}

std::map<std::string, Array> random_inputs(const Graph& graph) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::map<std::string, Array> result;
  for (const Node& node : graph.nodes) {
    if (node.prim != Prim::input) continue;
    const int64_t count =
        element_count(node.shape) * (node.varies.member ? members : 1) * (node.varies.sample ? batch : 1);
    for (int64_t i = 0; i < count; ++i) result[node.attrs.name].values.push_back(uniform(random));
  }
  return result;
}

// The graph of a case with outputs "loss" and the gradient "d:<name>" of every input.
Graph with_gradients(const std::string& body) {
  Graph graph = parse_graph(std::string(inputs) + body);
  const NodeId loss = add_loss(graph);
  std::vector<NodeId> wrt;
  for (NodeId id = 0; id < graph.nodes.size(); ++id)
    if (graph[id].prim == Prim::input) wrt.push_back(id);
  const std::vector<NodeId> gradients = differentiate(graph, loss, wrt);
  for (size_t i = 0; i < wrt.size(); ++i) {
    EXPECT_TRUE(graph[wrt[i]].varies.covers(graph[gradients[i]].varies)) << *graph[wrt[i]].name;
    graph.outputs.push_back({.name = "d:" + *graph[wrt[i]].attrs.name, .value = gradients[i]});
  }
  verify(graph, "differentiate");
  return graph;
}

TEST(LoopGradient, MatchesFiniteDifferences) {
  for (const auto& [what, body] : cases()) {
    SCOPED_TRACE(what);
    // Where stop_gradient stands, differences would see through it.
    const Graph graph = with_gradients(body);
    if (body.find("stop_gradient") != std::string::npos) continue;
    Evaluation at{.members = members, .inputs = random_inputs(graph)};
    const auto results = evaluate(graph, at);
    const auto loss = [&](int64_t m) {
      const Numbers values = evaluate(graph, at).at("loss").values;
      return values[values.size() == 1 ? 0 : m];
    };
    for (const Node& node : graph.nodes) {
      if (node.prim != Prim::input) continue;
      Numbers gradient = results.at("d:" + *node.attrs.name).values;
      Numbers& x = at.inputs.at(node.attrs.name).values;
      const bool zero = gradient.size() < x.size();  // of a value that the loss does not reach
      for (size_t i = 0; i < x.size(); ++i) {
        // Differences with steps of 1e-6 are wrong by 1e-10 from rounding and 1e-12 from truncation, times losses of
        // about 10.
        const int64_t m = static_cast<int64_t>(i * members / x.size());
        const double step = 1e-6, kept = x[i];
        x[i] = kept + step;
        const double above = loss(m);
        x[i] = kept - step;
        const double below = loss(m);
        x[i] = kept;
        EXPECT_NEAR(zero ? 0 : gradient[i], (above - below) / (2 * step), 1e-7) << *node.attrs.name << "[" << i << "]";
      }
    }
  }
}

TEST(LoopPasses, PreserveValues) {
  for (const auto& [what, body] : cases())
    for (const bool again : {false, true}) {
      SCOPED_TRACE(what);
      const Graph graph = with_gradients(body);
      Graph simple = again ? run_pass("recompute", graph, recompute, nullptr) : graph;
      for (int round = 0; round < 2; ++round) {
        simple = run_pass("fold", simple, fold, nullptr);
        simple = run_pass("cse", simple, cse, nullptr);
        simple = run_pass("dce", simple, dce, nullptr);
      }
      EXPECT_LT(simple.nodes.size(), graph.nodes.size());
      EXPECT_EQ(print(parse_graph(print(simple))), print(simple));
      const Evaluation at{.members = members, .inputs = random_inputs(graph)};
      const auto expected = evaluate(graph, at), got = evaluate(simple, at);
      for (const auto& [name, array] : expected)
        for (size_t i = 0; i < array.values.size(); ++i)
          // Only roundings of doubles may differ, of numbers of about 1.
          EXPECT_NEAR(got.at(name).values[i], array.values[i], 1e-12) << name;
    }
}

TEST(LoopPasses, RecomputeKeepsSumsAndCarriedValuesOnly) {
  const Graph graph = with_gradients(
      "h = carry(zeros, loop=0, varies=member+sample)\nz = contract(h, w, a=\"h\", b=\"gh\", out=\"g\")\n"
      "u = exp(tanh(z + b + xt))\nh2 = u * h\nadvance h = h2\nresult = last(h2, loop=0)\n");
  const auto collected = [](const Graph& g) {
    std::set<Prim> prims;
    for (const Node& node : g.nodes)
      if (node.prim == Prim::collect && node.attrs.loop == 0) prims.insert(g[node.inputs[0]].prim);
    return prims;
  };
  EXPECT_EQ(collected(dce(cse(graph))), (std::set<Prim>{Prim::carry, Prim::tanh, Prim::exp}));
  EXPECT_EQ(collected(dce(cse(recompute(graph)))), (std::set<Prim>{Prim::carry, Prim::contract}));
}

// Only the state at the start counts: the gradient of h0 is what its one iteration gives it.
TEST(LoopGradient, StopsWhereItShould) {
  const Graph graph = with_gradients(
      "h = carry(h0, loop=0, varies=member+sample)\nh2 = stop_gradient(tanh(h + xt))\nu = h * xt\nadvance h = h2\n"
      "result = collect(u, loop=0)\n");
  const Evaluation at{.members = members, .inputs = random_inputs(graph)};
  const auto results = evaluate(graph, at);
  const Numbers& x = at.inputs.at("x").values;
  for (int64_t m = 0; m < members; ++m)
    for (int64_t i = 0; i < 3; ++i) {
      double expected = 0;
      for (int64_t s = 0; s < batch; ++s) {
        const double weight = 0.7 + std::cos(0.0) + std::cos(1.3 * static_cast<double>(i) + 1);
        expected += x[(m * batch + s) * 12 + i] * weight * (0.37 * static_cast<double>(s) + 1);
      }
      EXPECT_NEAR(results.at("d:h0").values[m * 3 + i], expected, 1e-13);  // a few roundings of numbers of about 1
    }
}

TEST(LoopGradient, OfAWeightIsOneContractionAfterTheLoop) {
  Graph graph = parse_graph(std::string(inputs) + cases()[0].second);
  const NodeId loss = add_loss(graph);
  const auto gradients = differentiate(graph, loss, {find(graph, "w"), find(graph, "b"), find(graph, "x")});
  const Node& dw = graph[gradients[0]];
  EXPECT_EQ(dw.prim, Prim::contract);
  EXPECT_TRUE(dw.attrs.over_sample);
  EXPECT_EQ(*dw.attrs.a + "," + *dw.attrs.b + "->" + *dw.attrs.out, "ag,ah->gh");
  for (NodeId operand : dw.inputs) EXPECT_EQ(graph[operand].prim, Prim::collect);
  EXPECT_EQ(graph[gradients[1]].prim, Prim::reduce);
  EXPECT_TRUE(graph[gradients[1]].attrs.over_sample);  // of a sum over time
  EXPECT_EQ(graph[gradients[1]].attrs.dims, (std::vector<int64_t>{}));
  EXPECT_EQ(graph[graph[gradients[1]].inputs[0]].attrs.dims, (std::vector<int64_t>{0}));
  EXPECT_EQ(graph[gradients[2]].prim, Prim::collect);
  EXPECT_EQ(graph.loops.back().carried.size(), 1u);  // the state's gradient, no accumulator
}

TEST(LoopGradient, RefusesSumsOverMembersAndValuesInside) {
  Graph graph = parse_graph(
      "graph g batch=1\nloop 0 extent=2\nshared = input(name=\"s\")\n"
      "w = input(name=\"w\", varies=member)\nh = carry(w, loop=0, varies=member)\n"
      "h2 = h * shared\nadvance h = h2\nloss = last(h2, loop=0)\n");
  EXPECT_THROW(differentiate(graph, find(graph, "loss"), {find(graph, "shared")}), SpecError);
  EXPECT_THROW(differentiate(graph, find(graph, "loss"), {find(graph, "h")}), SpecError);
  EXPECT_THROW(differentiate(graph, find(graph, "h2"), {find(graph, "w")}), SpecError);
}

std::string simplified(const std::string& lines, const std::function<Graph(const Graph&)>& pass) {
  return print(run_pass("pass", parse_graph(std::string(inputs) + lines), pass, nullptr));
}

TEST(LoopPasses, DceKeepsWhatLiveCarriesBecomeAndDropsDeadLoops) {
  const std::string text = simplified(
      "unread = carry(h0, loop=0, varies=member)\nunread2 = tanh(unread)\nadvance unread = unread2\n"
      "s = time(loop=1)\nh = carry(h0, loop=1, varies=member)\nh2 = exp(h)\nadvance h = h2\n"
      "out before = last(h, loop=1)\n",
      dce);
  EXPECT_THAT(text, HasSubstr("loop 0 extent=4 reversed\n"));  // the one left, renumbered
  EXPECT_THAT(text, Not(HasSubstr("loop 1")));
  EXPECT_THAT(text, HasSubstr("h2 = exp(h)"));
  EXPECT_THAT(text, HasSubstr("advance h = h2"));
  EXPECT_THAT(text, Not(HasSubstr("unread")));
}

TEST(LoopPasses, FoldKeepsValuesInTheirLoop) {
  // Each would be its operand, if that were not outside, or the carry itself.
  EXPECT_THAT(simplified("y = select(t < 2, b, b)\nout y = collect(y, loop=0)\n", fold),
              HasSubstr("collect(y, loop=0)"));
  const std::string text =
      simplified("h = carry(h0, loop=0, varies=member)\nh2 = h + 0\nadvance h = h2\nout y = last(h2, loop=0)\n", fold);
  EXPECT_THAT(text, HasSubstr("advance h = h2"));
}

TEST(LoopPasses, CseJoinsInsideALoopButNoCarries) {
  const std::string text = simplified(
      "h = carry(h0, loop=0, varies=member)\nk = carry(h0, loop=0, varies=member)\nu = time(loop=0)\n"
      "h2 = h * cast(t, dtype=f32)\nk2 = tanh(k * cast(u, dtype=f32))\nadvance h = h2\nadvance k = k2\n"
      "s = time(loop=1)\nout y = last(h2, loop=0)\nout z = last(k2, loop=0)\nout s = last(s, loop=1)\n",
      cse);
  EXPECT_THAT(text, HasSubstr("h = carry("));
  EXPECT_THAT(text, HasSubstr("k = carry("));
  EXPECT_THAT(text, HasSubstr("s = time(loop=1)"));
  EXPECT_THAT(text, Not(HasSubstr("u = time")));
}

}  // namespace
}  // namespace shoal
