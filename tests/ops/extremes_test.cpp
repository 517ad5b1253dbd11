// Ops where naive formulas fail: large logits, corners of activations, ties.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/ops/op_harness.h"
#include "tests/ops/op_json.h"

namespace shoal::test {
namespace {

// Value and derivative of an activation at points, one a sample.
struct Curve {
  std::vector<double> y, slope;
};
Curve curve(const char* spec, const std::vector<double>& x) {
  const OpGraph op = layer_graph(*layer_from_json(json::parse(spec)), {{1}}, static_cast<int64_t>(x.size()));
  const auto results = op.run({{"in0", {x}}, {"cotangent", {std::vector<double>(x.size(), 1)}}});
  return {results.at("y").values, results.at("d:in0").values};
}

TEST(Extremes, ActivationsAtZeroHavePyTorchsDerivative) {
  EXPECT_EQ(curve(R"({"relu":{}})", {0}).slope[0], 0);
  EXPECT_EQ(curve(R"({"leaky_relu":{"negative_slope":0.2}})", {0}).slope[0], 0.2);
  EXPECT_EQ(curve(R"({"elu":{"alpha":0.5}})", {0}).slope[0], 0.5);
  EXPECT_EQ(curve(R"({"softplus":{}})", {0}).slope[0], 0.5);
  EXPECT_EQ(curve(R"({"sigmoid":{}})", {0}).slope[0], 0.25);
}

TEST(Extremes, SaturatedActivationsStayFinite) {
  for (const char* spec : {R"({"sigmoid":{}})", R"({"silu":{}})", R"({"softplus":{}})", R"({"elu":{}})",
                           R"({"tanh":{}})", R"({"gelu":{}})"}) {
    SCOPED_TRACE(spec);
    const Curve c = curve(spec, {-2000, 2000});
    for (const double v : c.y) EXPECT_TRUE(std::isfinite(v));
    for (const double v : c.slope) EXPECT_TRUE(std::isfinite(v));
  }
}

TEST(Extremes, ANaNComesThroughEveryActivation) {
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::activation) continue;
    EXPECT_TRUE(std::isnan(curve(("{\"" + info.name + "\":{}}").c_str(), {std::nan("")}).y[0])) << info.name;
  }
}

TEST(Extremes, CrossEntropyOfLargeLogitsIsTheirDifference) {
  const OpGraph op = loss_graph(*loss_from_json(json::parse(R"({"cross_entropy":{}})")), {3}, 2);
  const auto results = op.run({{"in0", {{1000, 3000, -5000, 1000, 3000, -5000}}}, {"target", {{0, 1}}}});
  // The two samples' losses are 2000 and 0 exactly: the other terms of the sums are below 1e-300.
  EXPECT_EQ(results.at("scalar").values[0], 1000);
  expect_close("gradient", results.at("d:in0").values, {-0.5, 0.5, 0, 0, 0, 0}, 0, 1e-15);
}

TEST(Extremes, BinaryCrossEntropyOfLargeLogits) {
  const OpGraph op = loss_graph(*loss_from_json(json::parse(R"({"binary_cross_entropy":{}})")), {3}, 1);
  const auto results = op.run({{"in0", {{3000, -3000, 0}}}, {"target", {{0, 1, 1}}}});
  // 3000 for each of the two wrong ones, log 2 at 0; the derivative is (sigmoid(x) - t) / 3.
  EXPECT_NEAR(results.at("scalar").values[0], (6000 + std::log(2.0)) / 3, 1e-12);
  expect_close("gradient", results.at("d:in0").values, {1.0 / 3, -1.0 / 3, -0.5 / 3}, 1e-15, 0);
}

double accuracy(const Shape& shape, const std::vector<double>& prediction, const std::vector<double>& target,
                TargetKind kind) {
  Graph graph;
  graph.batch = static_cast<int64_t>(prediction.size()) / element_count(shape);
  Scope scope(graph);
  const Value x = scope.input("x", Role::input, shape, {.sample = true});
  const bool label = kind == TargetKind::label;
  const Value t =
      scope.input("t", Role::input, label ? Shape{} : shape, {.sample = true}, label ? DType::i32 : DType::f32);
  const auto op = find_op(OpKind::metric, "accuracy")->make();
  scope.output("accuracy", mean_samples(dynamic_cast<const Metric&>(*op).expand(scope, x, t, kind)));
  return evaluate(graph, {.inputs = {{"x", {prediction}}, {"t", {target}}}}).at("accuracy").values[0];
}

TEST(Extremes, AccuracyTakesTheFirstOfEqualLogits) {
  EXPECT_EQ(accuracy({3}, {1, 5, 5, 1, 5, 5}, {1, 2}, TargetKind::label), 0.5);
  EXPECT_EQ(accuracy({3}, {0, 0, 9, 9, 0, 0}, {2, 0}, TargetKind::label), 1);
  const double nan = std::nan("");
  EXPECT_EQ(accuracy({3}, {nan, nan, nan}, {0}, TargetKind::label), 0);
}

TEST(Extremes, AccuracyOfLogitsIsTheirSign) {
  EXPECT_EQ(accuracy({2}, {3, -1, -2, 0}, {1, 0, 1, 1}, TargetKind::same_shape), 0.5);
}

}  // namespace
}  // namespace shoal::test
