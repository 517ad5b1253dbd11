// fold, cse and dce: each rule as a small text case, and random graphs that must evaluate to the same.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "compiler/graph/evaluate.h"
#include "compiler/graph/scope.h"
#include "compiler/graph/text.h"
#include "compiler/graph/verify.h"
#include "compiler/passes/passes.h"

namespace shoal {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view inputs = R"(graph g batch=2
x = input(name="x", shape=[2, 3], varies=sample)
s = input(name="s", shape=[2, 3], varies=member)
c = input(name="c", shape=[2, 3], dtype=bool)
v = input(name="v", varies=member)
)";

// The text after fold and dce, without comments, inputs and header.
std::string folded(const std::string& lines) {
  const std::string text = print(dce(run_pass("fold", parse_graph(std::string(inputs) + lines), fold, nullptr)));
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const std::string line = text.substr(at, text.find("  #", at) < end ? text.find("  #", at) - at : end - at);
    if (!line.starts_with("graph ") && line.find("= input(") == std::string::npos) result += line + "\n";
    at = end + 1;
  }
  return result;
}

struct Rule {
  std::string before, after;
};

std::string joined(const std::string& sum) {
  const std::string pieces =
      "graph g batch=1\na = input(name=\"a\", shape=[2])\nb = input(name=\"b\", shape=[3])\nc = input(name=\"c\", "
      "shape=[1])\n"
      "pa = pad(a, low=[1], high=[3], value=0)\npb = pad(b, low=[3], high=[0], value=0)\n"
      "pc = pad(c, low=[0], high=[5], value=0)\npd = pad(c, low=[1], high=[4], value=0)\n"
      "one = pad(c, low=[0], high=[5], value=1)\n";
  const Graph graph = parse_graph(pieces + "out y = " + sum + "\n");
  const Evaluation at{.members = 1, .inputs = {{"a", {{1, 2}}}, {"b", {{3, 4, 5}}}, {"c", {{6}}}}};
  const Graph result = dce(run_pass("join", graph, join, nullptr));
  EXPECT_EQ(evaluate(result, at).at("y").values, evaluate(graph, at).at("y").values) << sum;
  return print(result);
}

TEST(Join, ConcatenatesWhatLiesSideBySide) {
  EXPECT_THAT(joined("pb + pa + pc"), HasSubstr("concat(c, a, b)"));
  EXPECT_THAT(joined("pa + pb + pc"), Not(HasSubstr("pad(")));
  EXPECT_THAT(joined("pa + pb"), HasSubstr("low=[1], high=[0]"));  // of the concatenation of two
  for (const char* other : {"pb + pc", "pa + pd", "one + pa"})     // apart, on one another, not among zeros
    EXPECT_THAT(joined(other), Not(HasSubstr("concat"))) << other;
}

TEST(Fold, AppliesEachRule) {
  const Rule rules[] = {
      {"y = add(x, 0)\nout y = y", "out y = x\n"},
      {"y = add(0, x)\nout y = y", "out y = x\n"},
      {"y = sub(x, 0)\nout y = y", "out y = x\n"},
      {"y = mul(x, 1)\nout y = y", "out y = x\n"},
      {"y = mul(1, x)\nout y = y", "out y = x\n"},
      {"y = div(x, 1)\nout y = y", "out y = x\n"},
      {"y = neg(neg(x))\nout y = y", "out y = x\n"},
      {"y = x + neg(s)\nout y = y", "y = sub(x, s)\nout y = y\n"},
      {"y = add(neg(x), s)\nout y = y", "y = sub(s, x)\nout y = y\n"},
      {"y = x - neg(s)\nout y = y", "y = add(x, s)\nout y = y\n"},
      {"z = x * 0.25\ny = z + z\nout y = y", "%4 = constant(value=0.5)\ny = mul(x, %4)\nout y = y\n"},
      {"c3 = constant(value=3)\ny = c3 * v + c3 * v\nout y = y", "%4 = constant(value=6)\ny = mul(%4, v)\nout y = y\n"},
      {"y = logical_not(logical_not(c))\nout y = y", "out y = c\n"},
      {"y = cast(x, dtype=f32)\nout y = y", "out y = x\n"},
      {"y = cast(2.7, dtype=i32)\nout y = y", "y = constant(value=2, dtype=i32)\nout y = y\n"},
      {"y = exp(0) * 3 + sqrt(4)\nout y = y", "y = constant(value=5)\nout y = y\n"},
      {"y = select(1 < 2, s, s)\nout y = y", "out y = s\n"},
      {"y = select(1 < 2, s, v)\nout y = y", "out y = s\n"},
      {"y = select(2 < 1, v, s)\nout y = y", "out y = s\n"},
      {"y = reshape(x, shape=[2, 3])\nout y = y", "out y = x\n"},
      {"y = reshape(reshape(x, shape=[6]), shape=[3, 2])\nout y = y", "y = reshape(x, shape=[3, 2])\nout y = y\n"},
      {"y = reshape(reshape(x, shape=[6]), shape=[2, 3])\nout y = y", "out y = x\n"},
      {"y = transpose(x, dims=[0, 1])\nout y = y", "out y = x\n"},
      {"y = transpose(transpose(x, dims=[1, 0]), dims=[1, 0])\nout y = y", "out y = x\n"},
      {"y = broadcast(x, shape=[2, 3], dims=[0, 1])\nout y = y", "out y = x\n"},
      {"y = broadcast(broadcast(v, shape=[3]), shape=[2, 3], dims=[1])\nout y = y",
       "y = broadcast(v, shape=[2, 3])\nout y = y\n"},
      {"y = add(x, broadcast(v, shape=[2, 3]))\nout y = y", "y = add(x, v)\nout y = y\n"},
      {"y = slice(x, low=[0, 0], shape=[2, 3])\nout y = y", "out y = x\n"},
      {"y = pad(x, low=[0, 0], high=[0, 0])\nout y = y", "out y = x\n"},
      {"y = concat(x, dim=1)\nout y = y", "out y = x\n"},
  };
  for (const Rule& rule : rules) EXPECT_EQ(folded(rule.before), rule.after) << rule.before;
}

TEST(Fold, LeavesWhatMayDiffer) {
  // x * 0 is NaN for an infinite x; a shape or an axis would be lost; a derivative would no longer stop.
  EXPECT_THAT(folded("y = x * 0\nout y = y"), HasSubstr("mul(x, "));
  EXPECT_THAT(folded("y = v + broadcast(0, shape=[2, 3])\nout y = y"), HasSubstr("y = add(v, "));
  EXPECT_THAT(folded("y = select(1 < 2, s, x)\nout y = reduce(y, over_sample=true)"), HasSubstr("y = select("));
  EXPECT_THAT(folded("y = stop_gradient(x)\nout y = y"), HasSubstr("y = stop_gradient(x)"));
  EXPECT_THAT(folded("z = x * 3e38\ny = z + z\nout y = y"), HasSubstr("y = add("));
  EXPECT_THAT(folded("y = rem(1, 0)\nout y = y"), HasSubstr("y = rem("));
  EXPECT_THAT(folded("y = transpose(broadcast(v, shape=[3, 3]), dims=[1, 0])\nout y = y"), HasSubstr("y = transpose("));
  EXPECT_THAT(
      folded("y = broadcast(broadcast(reshape(s, shape=[6]), shape=[6, 6], dims=[0]), shape=[6, 6], dims=[1, 0])\n"
             "out y = y"),
      HasSubstr("shape=[6, 6], dims=[1])"));
}

TEST(Cse, JoinsEqualNodesOnly) {
  const Graph graph = parse_graph(std::string(inputs) + R"(
a = tanh(x)
b = tanh(x)
p = reduce(x, dims=[0])
q = reduce(x, dims=[1])
zero = constant(value=0)
minus = constant(value=-0)
out y = a + b
out z = p + v
out w = q + v
out p = zero + minus
)");
  const std::string text = print(run_pass("cse", graph, cse, nullptr));
  EXPECT_THAT(text, HasSubstr("= add(a, a)"));
  EXPECT_THAT(text, Not(HasSubstr("b = tanh")));
  EXPECT_THAT(text, HasSubstr("p = reduce(x, dims=[0])"));
  EXPECT_THAT(text, HasSubstr("q = reduce(x, dims=[1])"));
  EXPECT_THAT(text, HasSubstr("= add(zero, minus)"));
}

TEST(Dce, KeepsInputsAndWhatOutputsNeed) {
  const Graph graph = parse_graph(std::string(inputs) + "dead = exp(x)\nlive = tanh(v)\nnext v = live\n");
  const std::string text = print(run_pass("dce", graph, dce, nullptr));
  EXPECT_THAT(text, Not(HasSubstr("dead")));
  EXPECT_THAT(text, HasSubstr("live = tanh(v)"));
  EXPECT_THAT(text, HasSubstr("c = input(name=\"c\""));
  EXPECT_THAT(text, HasSubstr("next v = live"));
}

struct Recorder : Trace {
  std::vector<std::string> stages, texts;
  void stage(std::string_view name, const std::string& text, double seconds) override {
    EXPECT_GE(seconds, 0);
    stages.emplace_back(name);
    texts.push_back(text);
  }
};

TEST(RunPass, VerifiesAndTellsTheTrace) {
  const Graph graph = parse_graph(std::string(inputs) + "out y = x + 0\n");
  Recorder recorder;
  const Graph result = run_pass("fold", graph, fold, &recorder);
  EXPECT_EQ(recorder.stages, std::vector<std::string>{"fold"});
  EXPECT_EQ(recorder.texts[0], print(result));
  const auto broken = [](const Graph& g) {
    Graph copy = g;
    copy.nodes[0].shape = {9};
    return copy;
  };
  EXPECT_THROW(run_pass("broken", graph, broken, nullptr), std::exception);
}

// A random graph over a few inputs, in which constants, repeated nodes and identities are likely.
class RandomGraph {
 public:
  explicit RandomGraph(unsigned seed) : random_(seed) {
    graph.batch = 2;
    values_ = {s_.input("x", Role::input, {2, 3}, {.sample = true}),
               s_.input("w", Role::input, {2, 3}, {.member = true}),
               s_.input("v", Role::input, {}, {.member = true, .sample = true}), s_.constant(0), s_.constant(1)};
    for (int i = 0; i < 40; ++i) values_.push_back(next());
    for (size_t i = 0; i < 6; ++i) s_.output(fmt::format("y{}", i), pick());
    s_.output("last", values_.back());
  }
  Graph graph;

 private:
  Scope s_{graph};
  std::mt19937 random_;
  std::vector<Value> values_;

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  Value pick() { return values_[below(static_cast<int>(values_.size()))]; }
  Value matrix() {
    for (;;) {
      const Value x = pick();
      if (x.shape() == Shape{2, 3}) return x;
    }
  }

  Value next() {
    switch (below(14)) {
      case 0: return pick() + pick();
      case 1: return pick() - pick();
      case 2: return pick() * pick();
      case 3: return tanh(pick());
      case 4: return -pick();
      case 5: return max(pick(), pick());
      case 6: return select(pick() < pick(), pick(), pick());
      case 7: return reshape(reshape(matrix(), {6}), {2, 3});
      case 8: return transpose(transpose(matrix(), {1, 0}), {1, 0});
      case 9: return reduce(Reduction::sum, matrix(), {0, 1});
      case 10: return broadcast_to(reshape(reduce(Reduction::max, matrix(), {1}), {2, 1}), {2, 3});
      case 11: return sum_samples(pick());
      case 12: return contract(matrix(), "ab", matrix(), "ab", below(2) ? "ab" : "");
      case 13: return cast(floor(tanh(pick())), DType::f32) * 1.0;
    }
    return pick();
  }
};

TEST(Simplify, PreservesRandomGraphs) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const RandomGraph random(seed);
    const Graph& graph = random.graph;
    verify(graph, "random");
    EXPECT_EQ(print(parse_graph(print(graph))), print(graph));
    std::mt19937 numbers(seed);
    std::uniform_real_distribution<double> uniform(-1, 1);
    Evaluation at{.members = 2};
    for (const auto& [name, count] : {std::pair("x", 12), std::pair("w", 12), std::pair("v", 4)})
      for (int i = 0; i < count; ++i) at.inputs[name].values.push_back(uniform(numbers));
    const auto expected = evaluate(graph, at);
    const Graph simplified =
        run_pass("dce", run_pass("cse", run_pass("fold", graph, fold, nullptr), cse, nullptr), dce, nullptr);
    EXPECT_LE(simplified.nodes.size(), graph.nodes.size());
    const auto actual = evaluate(simplified, at);
    for (NodeId id = 0; id < graph.outputs.size(); ++id) {
      const Output &before = graph.outputs[id], &after = simplified.outputs[id];
      EXPECT_EQ(graph[before.value].varies, simplified[after.value].varies);
      const auto &x = expected.at(before.name).values, &y = actual.at(before.name).values;
      ASSERT_EQ(x.size(), y.size());
      // Every rule is exact in double, so nothing may differ; values that overflowed to NaN agree as NaN.
      for (size_t i = 0; i < x.size(); ++i) EXPECT_TRUE(x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i])));
    }
  }
}

}  // namespace
}  // namespace shoal
