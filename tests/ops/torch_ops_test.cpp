// Every layer, activation and loss against PyTorch's outputs and gradients in double (tests/reference/torch_ops.py and
// torch_rnn.py).
#include <gtest/gtest.h>

#include <set>

#include "tests/ops/op_harness.h"
#include "tests/ops/op_json.h"

namespace shoal::test {
namespace {

// Both sides compute in double, in different orders of summation: a few hundred roundings of 1e-16 at most.
constexpr double relative = 1e-11, absolute = 1e-12;

std::vector<double> doubles(const json& list) { return list.get<std::vector<double>>(); }

// Cases of all layers: those that repeat over time are in a file of their own.
std::vector<json> layer_cases() {
  std::vector<json> cases;
  for (const char* file : {"torch_ops.json", "torch_rnn.json"})
    for (const json& c : load_reference(file))
      if (c["kind"] == "layer") cases.push_back(c);
  return cases;
}

TEST(TorchOps, LayersAgreeForwardsAndBackwards) {
  for (const json& c : layer_cases()) {
    SCOPED_TRACE(c["op"].dump());
    const auto layer = layer_from_json(c["op"]);
    const OpGraph op = layer_graph(*layer, c["shapes"].get<std::vector<Shape>>(), c["batch"]);
    std::map<std::string, Array> inputs{{"cotangent", {doubles(c["cotangent"])}}};
    for (size_t i = 0; i < c["inputs"].size(); ++i) inputs["in" + std::to_string(i)] = {doubles(c["inputs"][i])};
    for (const auto& [name, values] : c["parameters"].items()) inputs["0." + name] = {doubles(values)};

    const auto results = op.run(inputs);
    expect_close("y", results.at("y").values, doubles(c["output"]), relative, absolute);
    for (size_t i = 0; i < c["inputs"].size(); ++i) {
      const std::string name = "d:in" + std::to_string(i);
      expect_close(name, results.at(name).values, doubles(c["input_gradients"][i]), relative, absolute);
    }
    EXPECT_EQ(op.differentiable.size(), c["inputs"].size() + c["parameters"].size());
    for (const auto& [name, values] : c["parameter_gradients"].items()) {
      expect_close(name, results.at("d:0." + name).values, doubles(values), relative, absolute);
    }
  }
}

TEST(TorchOps, LossesAgreeForwardsAndBackwards) {
  for (const json& c : load_reference("torch_ops.json")) {
    if (c["kind"] != "loss") continue;
    SCOPED_TRACE(c["op"].dump());
    const OpGraph op = loss_graph(*loss_from_json(c["op"]), c["shape"].get<Shape>(), c["batch"]);
    const auto results = op.run({{"in0", {doubles(c["prediction"])}}, {"target", {doubles(c["target"])}}});
    expect_close("loss", results.at("scalar").values, {c["loss"].get<double>()}, relative, absolute);
    expect_close("gradient", results.at("d:in0").values, doubles(c["gradient"]), relative, absolute);
  }
}

TEST(TorchOps, EveryLayerActivationAndLossHasACase) {
  std::set<std::string> covered;
  for (const json& c : load_reference("torch_ops.json")) covered.insert(c["op"].begin().key());
  for (const json& c : layer_cases()) covered.insert(c["op"].begin().key());
  for (const OpInfo& info : all_ops()) {
    if (info.kind == OpKind::layer || info.kind == OpKind::activation || info.kind == OpKind::loss) {
      EXPECT_TRUE(covered.count(info.name)) << info.name << " has no case in tests/reference";
    }
  }
}

}  // namespace
}  // namespace shoal::test
