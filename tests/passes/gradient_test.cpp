// The derivative of every differentiable primitive against central finite differences of the evaluator.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "compiler/graph/evaluate.h"
#include "compiler/graph/scope.h"
#include "compiler/graph/text.h"
#include "compiler/graph/verify.h"
#include "compiler/passes/derivative.h"
#include "compiler/passes/passes.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

constexpr int64_t batch = 3, members = 2;

// The operands that formulas may name; positive ones serve log, sqrt and div.
constexpr std::string_view operands = R"(graph g batch=3
x = input(name="x", shape=[2, 3], varies=member+sample)
p = input(name="p", shape=[2, 3], varies=member)
w = input(name="w", role=parameter, shape=[4, 3], varies=member)
v = input(name="v", role=parameter, varies=member)
pos = input(name="pos", shape=[2, 3], varies=member)
img = input(name="img", shape=[2, 4, 5], varies=member)
i = input(name="i", dtype=i32, varies=sample)
d = input(name="d", shape=[2, 3], varies=sample)
)";

struct Case {
  std::string formula;
  std::string wrt;  // names, separated by blanks
};

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> result;
  std::string word;
  for (char c : text + " ")
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      result.push_back(std::exchange(word, ""));
    }
  return result;
}

NodeId find(const Graph& graph, const std::string& name) {
  for (NodeId id = 0; id < graph.nodes.size(); ++id)
    if (graph[id].name == name) return id;
  ADD_FAILURE() << "no " << name;
  return 0;
}

// A loss that weighs every element of the formula, of every member and sample, differently.
NodeId loss_of(Graph& graph, NodeId value) {
  Scope s(graph);
  Value y{&s, value};
  Value weighted = y * s.constant(0.7);
  for (int64_t d = 0; d < std::ssize(y.shape()); ++d)
    weighted = weighted + y * cos(cast(s.index(y.shape(), d), DType::f32) * 1.3 + static_cast<double>(d));
  if (y.varies().sample) weighted = sum_samples(weighted * (cast(s.position(), DType::f32) * 0.37 + 1.0));
  return reduce(Reduction::sum, weighted).id;
}

std::map<std::string, Array> random_inputs(const Graph& graph, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1.5, 1.5);
  std::map<std::string, Array> inputs;
  for (const Node& node : graph.nodes) {
    if (node.prim != Prim::input) continue;
    size_t count = element_count(node.shape) * (node.varies.member ? members : 1) * (node.varies.sample ? batch : 1);
    Array& array = inputs[node.attrs.name];
    for (; count > 0; --count) {
      const double x = uniform(random);
      array.values.push_back(node.dtype == DType::i32   ? std::floor(x + 2)
                             : node.attrs.name == "pos" ? std::fabs(x) + 0.5
                                                        : x);
    }
  }
  return inputs;
}

// Repeats `from` (a gradient that may vary over less) to the axes of `node`.
double element(const Graph& graph, NodeId gradient, const Array& array, const Node& node, size_t flat) {
  const Node& g = graph[gradient];
  const size_t units = element_count(node.shape), samples = node.varies.sample ? batch : 1;
  const size_t u = flat % units, s = flat / units % samples, m = flat / units / samples;
  const size_t g_samples = g.varies.sample ? batch : 1;
  return array.values[((g.varies.member ? m : 0) * g_samples + (g.varies.sample ? s : 0)) * units + u];
}

void check_gradient(const Case& each, std::set<Prim>* covered = nullptr) {
  SCOPED_TRACE(each.formula);
  Graph graph = parse_graph(std::string(operands) + "result = " + each.formula + "\n");
  const size_t primal = graph.nodes.size();
  const NodeId loss = loss_of(graph, find(graph, "result"));
  graph.outputs.push_back({.name = "loss", .value = loss});
  std::vector<NodeId> wrt;
  for (const std::string& name : words(each.wrt)) wrt.push_back(find(graph, name));

  Graph with_gradient = graph;
  const std::vector<NodeId> gradients = differentiate(with_gradient, loss, wrt);
  verify(with_gradient, "differentiate");
  for (size_t k = 0; k < wrt.size(); ++k) {
    EXPECT_EQ(with_gradient[gradients[k]].shape, graph[wrt[k]].shape);
    EXPECT_TRUE(graph[wrt[k]].varies.covers(with_gradient[gradients[k]].varies));
    with_gradient.outputs.push_back({.name = fmt::format("d{}", k), .value = gradients[k]});
  }
  Evaluation at{.members = members, .step = 0, .inputs = random_inputs(graph, 7)};
  const auto results = evaluate(with_gradient, at);
  // The simplified graph computes the same: only roundings of doubles may differ, and sums of few terms.
  const auto simplified = evaluate(dce(cse(fold(with_gradient))), at);
  for (const auto& [name, array] : results)
    for (size_t e = 0; e < array.values.size(); ++e) EXPECT_NEAR(array.values[e], simplified.at(name).values[e], 1e-11);

  for (size_t k = 0; k < wrt.size(); ++k) {
    const Node& node = graph[wrt[k]];
    const Array& gradient = results.at(fmt::format("d{}", k));
    double largest = 0;
    std::vector<double>& numbers = at.inputs.at(node.attrs.name).values;
    for (size_t e = 0; e < numbers.size(); ++e) {
      const size_t member = e * members / numbers.size();
      const double eps = 1e-6, here = numbers[e];
      const auto loss_at = [&](double value) {
        numbers[e] = value;
        const std::vector<double> losses = evaluate(graph, at).at("loss").values;
        return losses[losses.size() == 1 ? 0 : member];
      };
      const double numeric = (loss_at(here + eps) - loss_at(here - eps)) / (2 * eps);
      numbers[e] = here;
      const double analytic = element(with_gradient, gradients[k], gradient, node, e);
      // PyTorch's gradcheck tolerances: the difference quotient has errors of eps^2 and of roundings / eps = 1e-10.
      EXPECT_NEAR(analytic, numeric, 1e-5 + 1e-3 * std::fabs(numeric)) << words(each.wrt)[k] << "[" << e << "]";
      largest = std::max(largest, std::fabs(numeric));
    }
    EXPECT_GT(largest, 1e-3) << "the case does not depend on " << words(each.wrt)[k];
  }
  if (covered)
    for (size_t id = 0; id < primal; ++id) covered->insert(graph.nodes[id].prim);
}

const std::string pool = "dims=[1, 2], kernel=[2, 3], stride=[1, 2], low=[1, 0], high=[0, 1]";

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"x + p", "x p"},
      {"x + v", "x v"},
      {"v + 1", "v"},
      {"p - x", "x p"},
      {"v - x", "x v"},
      {"x * p", "x p"},
      {"x * v * x", "x v"},
      {"d * p", "p"},
      {"d * v", "v"},
      {"d + v", "v"},
      {"x / pos", "x pos"},
      {"v / pos", "v pos"},
      {"d / (v * v + 1)", "v"},
      {"max(x, p)", "x p"},
      {"max(0, x)", "x"},
      {"max(v, x)", "v x"},
      {"min(x, p)", "x p"},
      {"min(v, d)", "v"},
      {"neg(x)", "x"},
      {"abs(x)", "x"},
      {"sqrt(pos)", "pos"},
      {"exp(x)", "x"},
      {"log(pos)", "pos"},
      {"tanh(x)", "x"},
      {"sigmoid(x)", "x"},
      {"erf(x)", "x"},
      {"sin(x)", "x"},
      {"cos(x)", "x"},
      {"softplus(x) * sigmoid(p)", "x p"},
      {"select(x < p, x * x, v)", "x v"},
      {"select(d < 0, v, p)", "v p"},
      {"cast(x, dtype=f32) * x", "x"},
      {"stop_gradient(d) * x + floor(d) * p", "x p"},
      {"broadcast(p, shape=[3, 4, 2], dims=[2, 0])", "p"},
      {"broadcast(v, shape=[3, 2]) * transpose(x, dims=[1, 0])", "v x"},
      {"reduce(broadcast(p, shape=[3, 4, 2], dims=[2, 0]), dims=[0, 1, 2])", "p"},
      {"reshape(x, shape=[3, 2]) * transpose(p, dims=[1, 0])", "x p"},
      {"transpose(img, dims=[2, 0, 1])", "img"},
      {"slice(x, low=[0, 1], shape=[2, 2])", "x"},
      {"pad(x, low=[0, 1], high=[2, 0], value=3)", "x"},
      {"concat(x, p, w, dim=0)", "x p w"},
      {"concat(x, reshape(v, shape=[1, 1]) * p, dim=1)", "x v p"},
      {"gather(w, i)", "w"},
      {"gather(w, 1) * v", "w v"},
      {"window(img, " + pool + ", value=2)", "img"},
      {"unwindow(window(img, " + pool + ") * v, shape=[2, 4, 5], " + pool + ")", "img v"},
      {"unwindow(reshape(w, shape=[1, 4, 3]), shape=[1, 6], dims=[1], kernel=[3], stride=[1], low=[0], high=[0])", "w"},
      {"reduce(x, dims=[1])", "x"},
      {"reduce(x * v, dims=[0], over_sample=true)", "x v"},
      {"reduce(x, reduction=max, dims=[0])", "x"},
      {"reduce(x, reduction=min, dims=[0, 1])", "x"},
      {"reduce(x, reduction=max, dims=[1], over_sample=true)", "x"},
      {"reduce(x, reduction=min, over_sample=true)", "x"},
      {"reduce(window(img, dims=[1, 2], kernel=[2, 2], stride=[2, 2], low=[0, 0], high=[0, 0]), reduction=max, "
       "dims=[3, 4])",
       "img"},
      {"contract(x, w, a=\"ai\", b=\"oi\", out=\"oa\")", "x w"},
      {"contract(d, w, a=\"ai\", b=\"oi\", out=\"ao\")", "w"},
      {"contract(x, w, a=\"ai\", b=\"oi\", out=\"o\", over_sample=true)", "x w"},
      {"contract(d, w, a=\"ai\", b=\"oi\", out=\"io\", over_sample=true)", "w"},
      {"contract(w, d, a=\"oi\", b=\"ai\", out=\"\", over_sample=true)", "w"},
      {"contract(x, p, a=\"ai\", b=\"bc\", out=\"b\")", "x p"},
      {"contract(x, v, a=\"ai\", out=\"i\")", "x v"},
      {"contract(p, p, a=\"ab\", b=\"cb\", out=\"ac\")", "p"},
      {"reduce(contract(x, w, a=\"ai\", b=\"oi\", out=\"oa\"), dims=[0, 1], over_sample=true)", "x w"},
      {"exp(x - broadcast(reduce(x, reduction=max, dims=[1]), shape=[2, 3], dims=[0]))", "x"},
  };
  return all;
}

TEST(Gradient, MatchesFiniteDifferences) {
  for (const Case& each : cases()) check_gradient(each);
}

TEST(Gradient, CasesCoverEveryDifferentiablePrimitive) {
  std::set<Prim> covered;
  for (const Case& each : cases()) check_gradient(each, &covered);
  const std::set<Prim> flat = {Prim::index, Prim::position,    Prim::step,       Prim::rem,         Prim::le,
                               Prim::eq,    Prim::logical_and, Prim::logical_or, Prim::logical_not, Prim::shuffle};
  for (int p = 0; p <= static_cast<int>(Prim::contract); ++p) {  // those of loops: loop_test.cpp
    const Prim prim = static_cast<Prim>(p);
    EXPECT_TRUE(flat.contains(prim) || covered.contains(prim)) << prim_name(prim);
  }
}

TEST(Gradient, OfTwoLayersThroughALossOverSamples) {
  check_gradient(
      {"contract(tanh(contract(d, w, a=\"ai\", b=\"oi\", out=\"ao\")), p, a=\"ao\", b=\"ai\", out=\"oi\")", "w p"});
}

// Value of the gradient of `loss` in a text, with respect to its input x, without members or samples.
std::vector<double> gradient_at(const std::string& text, const std::vector<double>& x) {
  Graph graph = parse_graph(text);
  const NodeId gradient = differentiate(graph, find(graph, "loss"), {find(graph, "x")})[0];
  graph.outputs = {{.name = "dx", .value = gradient}};
  return evaluate(graph, {.inputs = {{"x", {x}}}}).at("dx").values;
}
const std::string vector_x = "x = input(name=\"x\", shape=[4])\n";
using Numbers = std::vector<double>;

TEST(Gradient, AtTiesIsPyTorchs) {
  const auto sum = [](const std::string& formula) { return vector_x + "loss = reduce(" + formula + ", dims=[0])\n"; };
  EXPECT_EQ(gradient_at(sum("max(0, x)"), {-1, 0, 1, 2}), (Numbers{0, 0, 1, 1}));
  EXPECT_EQ(gradient_at(sum("max(x, x * 1)"), {-1, 0, 1, 2}), (Numbers{1, 1, 1, 1}));
  EXPECT_EQ(gradient_at(sum("max(x, stop_gradient(x))"), {-1, 0, 1, 2}), (Numbers{0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(gradient_at(sum("abs(x)"), {-1, 0, 1, 2}), (Numbers{-1, 0, 1, 1}));
  const std::string maximum = vector_x + "loss = reduce(x, reduction=max, dims=[0])\n";
  EXPECT_EQ(gradient_at(maximum, {3, 7, 7, 7}), (Numbers{0, 1, 0, 0}));
  EXPECT_EQ(gradient_at(sum("softplus(x)"), {0, 0, 0, 0}), (Numbers{0.5, 0.5, 0.5, 0.5}));
}

TEST(Gradient, OfUnreachedValuesIsZero) {
  EXPECT_EQ(gradient_at(vector_x + "loss = cast(3, dtype=f32)\n", {1, 2, 3, 4}), (Numbers{0, 0, 0, 0}));
  EXPECT_EQ(gradient_at(vector_x + "loss = reduce(floor(x), dims=[0])\n", {1, 2, 3, 4}), (Numbers{0, 0, 0, 0}));
}

TEST(Gradient, OfAWeightIsOneContraction) {
  Graph graph = parse_graph(R"(graph g batch=8
x = input(name="x", shape=[5], varies=sample)
w = input(name="w", role=parameter, shape=[4, 5], varies=member)
b = input(name="b", role=parameter, shape=[4], varies=member)
z = contract(x, w, a="i", b="oi", out="o") + b
y = tanh(z)
loss = contract(y, y, a="o", b="o", over_sample=true)
)");
  const auto gradients = differentiate(graph, find(graph, "loss"), {find(graph, "w"), find(graph, "b")});
  const Node& dw = graph[gradients[0]];
  EXPECT_EQ(dw.prim, Prim::contract);
  EXPECT_TRUE(dw.attrs.over_sample);
  EXPECT_EQ(*dw.attrs.a + "," + *dw.attrs.b + "->" + *dw.attrs.out, "o,i->oi");
  EXPECT_EQ(dw.inputs[1], find(graph, "x"));
  EXPECT_EQ(graph[gradients[1]].prim, Prim::reduce);
  // Nothing is computed for x, from which no parameter can be reached.
  graph.outputs = {{.name = "dw", .value = gradients[0]}, {.name = "db", .value = gradients[1]}};
  for (const Node& node : graph.nodes) EXPECT_FALSE(node.prim == Prim::contract && node.attrs.out == "i");
}

TEST(Gradient, RefusesSumsOverMembers) {
  Graph graph = parse_graph(R"(graph g batch=1
shared = input(name="shared")
w = input(name="w", role=parameter, varies=member)
loss = shared * w
)");
  EXPECT_THROW(differentiate(graph, find(graph, "loss"), {find(graph, "shared")}), SpecError);
}

TEST(Gradient, RefusesALossThatIsNotOneNumber) {
  Graph graph =
      parse_graph("graph g batch=2\nx = input(name=\"x\", shape=[2])\ns = input(name=\"s\", varies=sample)\n");
  EXPECT_THROW(differentiate(graph, 0, {0}), SpecError);
  EXPECT_THROW(differentiate(graph, 1, {1}), SpecError);
}

}  // namespace
}  // namespace shoal
