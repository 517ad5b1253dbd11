// window_maximum: what grows is done after the maximum, and only that.
#include "compiler/ops/layers/window_maximum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "compiler/graph/evaluate.h"
#include "compiler/graph/text.h"
#include "compiler/passes/passes.h"

namespace shoal {
namespace {

struct Layer {
  const char* name;
  bool grows;
  std::function<Value(Scope&, Value)> expand;
};

const Layer layers[] = {
    {"relu", true, [](Scope&, Value x) { return max(0.0, x); }},
    {"a cap", true, [](Scope& s, Value x) { return min(x, s.constant(0.5)); }},
    {"tanh of a third", true, [](Scope&, Value x) { return tanh(x * (1.0 / 3)); }},
    {"a bias", true,
     [](Scope& s, Value x) { return x + reshape(s.input("b", Role::parameter, {2}, {true, false}), {2, 1, 1}); }},
    {"a bias taken away", true,
     [](Scope& s, Value x) { return x - reshape(s.input("b", Role::parameter, {2}, {true, false}), {2, 1, 1}); }},
    {"a product with a negative number", false, [](Scope&, Value x) { return x * -0.5; }},
    {"a product with a parameter", false,
     [](Scope& s, Value x) { return x * reshape(s.input("b", Role::parameter, {2}, {true, false}), {2, 1, 1}); }},
    {"a bias of each row", false,
     [](Scope& s, Value x) { return x + reshape(s.input("b", Role::parameter, {3}, {true, false}), {1, 3, 1}); }},
    {"what is taken from a number", false, [](Scope&, Value x) { return 1.0 - x; }},
};

// As max_pool2d would be without: every element of every window goes through the layer.
Value plain(Value x) {
  const Value windows = image_windows(x, {2, 3}, {1, 2}, {0, 1}, -std::numeric_limits<double>::infinity());
  return reduce(Reduction::max, windows, last_dims(windows, 2));
}

TEST(WindowMaximum, IsTheSameNumbersInAnotherOrder) {
  for (const Layer& layer : layers) {
    Graph graph;
    graph.name = "g";
    graph.batch = 2;
    Scope scope(graph);
    const Value x = scope.input("x", Role::input, {2, 3, 4}, {false, true});
    const Value y = layer.expand(scope, x);
    const Value z = window_maximum(y, {2, 3}, {1, 2}, {0, 1});
    EXPECT_EQ(graph[z.id].prim != Prim::reduce, layer.grows) << layer.name;
    scope.output("z", z);
    scope.output("plain", plain(y));
    std::vector<double> numbers;
    for (int i = 0; i < 48; ++i) numbers.push_back((i * 29 % 17 - 8) * 0.25);
    Evaluation at{.members = 1, .inputs = {{"x", {numbers}}}};
    for (const Node& node : graph.nodes)
      if (node.prim == Prim::input && node.attrs.name == "b")
        at.inputs["b"] = {node.shape[0] == 2 ? std::vector{0.75, -1.5} : std::vector{4.0, -4.0, 1.0}};
    const auto values = evaluate(graph, at);
    EXPECT_EQ(values.at("z").values, values.at("plain").values) << layer.name;
  }
}

// The numbers that relu and a bias are done to: a quarter of the image's.
TEST(WindowMaximum, OfAConvolutionComesBeforeItsBiasAndRelu) {
  Graph graph;
  graph.name = "g";
  graph.batch = 2;
  Scope scope(graph);
  const Value x = scope.input("x", Role::input, {2, 4, 4}, {false, true});
  const Value b = scope.input("b", Role::parameter, {2}, {true, false});
  const Value y = max(0.0, x + reshape(b, {2, 1, 1}));
  scope.output("y", window_maximum(y, {2, 2}, {2, 2}, {0, 0}));
  const std::string text = print(dce(fold(graph)));
  EXPECT_THAT(text, testing::ContainsRegex("window\\(x, .*\n.*reduce\\(.*\n(.*broadcast.*\n)?.*add\\(.*\\[2, 2, 2\\]"));
}

}  // namespace
}  // namespace shoal
