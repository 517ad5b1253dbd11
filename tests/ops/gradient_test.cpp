// The gradients of every sample of every layer and loss against central differences.
#include <gtest/gtest.h>

#include "tests/ops/op_harness.h"

namespace shoal::test {
namespace {

constexpr int64_t batch = 2;

// Compares every differentiable input's gradient of "scalar" with differences. Steps of 1e-6 leave a truncation error
// of about 1e-12 and a rounding error of about 1e-10; the tolerances (absolute 1e-5, relative 1e-3) are
// torch.autograd.gradcheck's.
void expect_gradients(const OpGraph& op, std::map<std::string, Array> inputs) {
  const auto results = op.run(inputs);
  for (const std::string& name : op.differentiable) {
    std::vector<double> differences;
    for (double& x : inputs.at(name).values) {
      const double step = 1e-6, kept = x;
      x = kept + step;
      const double above = op.run(inputs).at("scalar").values.at(0);
      x = kept - step;
      const double below = op.run(inputs).at("scalar").values.at(0);
      x = kept;
      differences.push_back((above - below) / (2 * step));
    }
    std::vector<double> gradient = results.at("d:" + name).values;
    if (gradient.size() == 1)
      gradient.resize(differences.size(), gradient[0]);  // a gradient of zeros may vary over less
    expect_close("gradient of " + name, gradient, differences, 1e-3, 1e-5);
  }
}

TEST(Gradients, OfEveryLayerSample) {
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::layer && info.kind != OpKind::activation) continue;
    const std::vector<OpSample> samples = info.samples();
    EXPECT_FALSE(samples.empty()) << info.name;
    for (const OpSample& sample : samples) {
      SCOPED_TRACE(sample.op->text());
      const OpGraph op = layer_graph(dynamic_cast<const Layer&>(*sample.op), sample.inputs, batch);
      std::map<std::string, Array> inputs{{"cotangent", {numbers(input_elements(op.graph, "cotangent"), 1)}}};
      uint32_t seed = 2;
      for (const std::string& name : op.differentiable)
        inputs[name] = {numbers(input_elements(op.graph, name), seed++)};
      expect_gradients(op, inputs);
    }
  }
}

TEST(Gradients, OfEveryLossSample) {
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::loss) continue;
    const std::vector<OpSample> samples = info.samples();
    EXPECT_FALSE(samples.empty()) << info.name;
    for (const OpSample& sample : samples) {
      SCOPED_TRACE(sample.op->text());
      const auto& loss = dynamic_cast<const Loss&>(*sample.op);
      const OpGraph op = loss_graph(loss, sample.inputs.at(0), batch);
      std::vector<double> target = numbers(input_elements(op.graph, "target"), 5);
      if (loss.target() == TargetKind::label) target = {0, 2};
      expect_gradients(op, {{"in0", {numbers(input_elements(op.graph, "in0"), 3)}}, {"target", {target}}});
    }
  }
}

}  // namespace
}  // namespace shoal::test
