// One op in a graph of its own.
#include "tests/ops/op_harness.h"

#include <gtest/gtest.h>

#include <cmath>

#include "compiler/passes/passes.h"
#include "compiler/support/error.h"

namespace shoal::test {

namespace {

// Inputs vary over member too, so that their gradients need no sum over members.
constexpr Varies both{.member = true, .sample = true};

OpGraph with_gradients(Scope& scope, Value scalar, std::vector<std::string> names, std::vector<NodeId> wrt) {
  for (const Parameter& parameter : scope.parameters()) {
    names.push_back(parameter.name);
    wrt.push_back(parameter.node);
  }
  scope.output("scalar", scalar);
  const std::vector<NodeId> gradients = differentiate(scope.graph(), scalar.id, wrt);
  for (size_t i = 0; i < wrt.size(); ++i) scope.output("d:" + names[i], {&scope, gradients[i]});
  return {scope.graph(), std::move(names)};
}

}  // namespace

std::map<std::string, Array> OpGraph::run(const std::map<std::string, Array>& inputs) const {
  return evaluate(graph, {.inputs = inputs});
}

OpGraph layer_graph(const Layer& layer, const std::vector<Shape>& inputs, int64_t batch) {
  Graph graph;
  graph.batch = batch;
  Scope scope(graph);
  scope.set_prefix("0");
  std::vector<Value> values;
  std::vector<std::string> names;
  std::vector<NodeId> wrt;
  for (size_t i = 0; i < inputs.size(); ++i) {
    names.push_back("in" + std::to_string(i));
    values.push_back(scope.input(names[i], Role::input, inputs[i], both));
    wrt.push_back(values[i].id);
  }
  const Value y = layer.expand(scope, values);
  scope.output("y", y);
  const Value cotangent = scope.input("cotangent", Role::input, y.shape(), both);
  return with_gradients(scope, sum_samples(reduce(Reduction::sum, y * cotangent)), names, wrt);
}

OpGraph loss_graph(const Loss& loss, const Shape& prediction, int64_t batch) {
  Graph graph;
  graph.batch = batch;
  Scope scope(graph);
  const Value x = scope.input("in0", Role::input, prediction, both);
  const bool label = loss.target() == TargetKind::label;
  const Value target = scope.input("target", Role::input, label ? Shape{} : prediction, {.sample = true},
                                   label ? DType::i32 : DType::f32);
  const Hyper hyper(scope, "loss", loss, {});
  return with_gradients(scope, mean_samples(loss.expand(scope, hyper, x, target)), {"in0"}, {x.id});
}

std::vector<OpCase> op_cases(int64_t batch) {
  std::vector<OpCase> all;
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::layer && info.kind != OpKind::activation && info.kind != OpKind::loss) continue;
    for (const OpSample& sample : info.samples()) {
      Graph graph = info.kind == OpKind::loss
                        ? loss_graph(dynamic_cast<const Loss&>(*sample.op), sample.inputs.at(0), batch).graph
                        : layer_graph(dynamic_cast<const Layer&>(*sample.op), sample.inputs, batch).graph;
      all.push_back({sample.op->text(), dce(cse(fold(graph)))});
    }
  }
  return all;
}

std::vector<double> numbers(int64_t count, uint32_t seed) {
  // A Weyl sequence through the golden ratio covers (-2, 2) evenly.
  std::vector<double> values;
  double at = seed * 0.3819660113;
  for (int64_t i = 0; i < count; ++i) {
    at += 0.6180339887498949;
    values.push_back(4 * (at - std::floor(at)) - 2);
  }
  return values;
}

int64_t input_elements(const Graph& graph, const std::string& name) {
  for (const Node& node : graph.nodes) {
    if (node.prim == Prim::input && node.attrs.name == name) {
      return element_count(node.shape) * (node.varies.sample ? graph.batch : 1);
    }
  }
  throw InternalError("no input " + name);
}

void expect_close(const std::string& what, const std::vector<double>& got, const std::vector<double>& want,
                  double relative, double absolute) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    const bool close = std::abs(got[i] - want[i]) <= absolute + relative * std::abs(want[i]);  // false for NaN
    ASSERT_TRUE(close) << what << "[" << i << "]: got " << got[i] << ", want " << want[i];
  }
}

}  // namespace shoal::test
