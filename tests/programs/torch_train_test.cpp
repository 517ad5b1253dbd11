// Whole training programs, step by step in double, against weights that PyTorch trained
// (tests/reference/torch_train.py).
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "compiler/graph/evaluate.h"
#include "tests/programs/model_json.h"

namespace shoal::test {
namespace {

// Both sides train in double for 5 steps and differ by the order of sums and the form of adam's moments; what Adam's
// division by the root of v makes of that stays far below this. The absolute part serves weights that pass near zero.
constexpr double relative = 1e-9, absolute = 1e-11;

void expect_close(const std::string& what, const std::vector<double>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_TRUE(std::abs(got[i] - want[i]) <= absolute + relative * std::abs(want[i]))
        << what << "[" << i << "]: got " << got[i] << ", want " << want[i];
  }
}

std::vector<double> doubles(const json& list) { return list.get<std::vector<double>>(); }

// What a runtime would hold: all inputs, states at zero.
std::map<std::string, Array> initial_inputs(const Graph& graph, const json& c) {
  std::map<std::string, Array> inputs{
      {"data.x", {doubles(c["data_x"])}}, {"data.y", {doubles(c["data_y"])}}, {"order", {doubles(c["order"])}}};
  for (const auto& [name, values] : c["initial"].items()) inputs[name] = {doubles(values)};
  for (const auto& [name, values] : c["vary"].items()) inputs[name] = {doubles(values)};
  for (const Node& node : graph.nodes) {
    if (node.prim != Prim::input || node.attrs.role != Role::state) continue;
    const auto elements = static_cast<size_t>(element_count(node.shape) * c["members"].get<int64_t>());
    inputs[node.attrs.name] = {std::vector<double>(elements, 0.0)};
  }
  return inputs;
}

class TorchTrain : public ::testing::TestWithParam<json> {};

TEST_P(TorchTrain, WeightsAndLossesAgree) {
  const json& c = GetParam();
  const Model model = model_from_json(c);
  const int64_t steps = c["steps"], members = c["members"];
  const Program program = train(model, {.samples = c["samples"], .batch = c["batch"], .explicit_steps = steps});

  std::set<std::string> names;
  for (const Parameter& parameter : program.parameters) {
    names.insert(parameter.name);
    EXPECT_EQ(program.graph[parameter.node].attrs.name, parameter.name);
  }
  EXPECT_EQ(names.size(), c["initial"].size());

  Evaluation evaluation{.members = members, .inputs = initial_inputs(program.graph, c)};
  std::vector<double> loss_sum(static_cast<size_t>(members), 0.0);
  for (int64_t step = 0; step < steps; ++step) {
    evaluation.step = step;
    for (auto& [name, value] : evaluate(program.graph, evaluation)) evaluation.inputs[name] = value;
    for (int64_t member = 0; member < members; ++member) {
      loss_sum[static_cast<size_t>(member)] += c["losses"][static_cast<size_t>(member * steps + step)].get<double>();
    }
    expect_close("loss_sum", evaluation.inputs.at("loss_sum").values, loss_sum);
  }
  for (const auto& [name, values] : c["final"].items()) {
    EXPECT_TRUE(names.count(name)) << name;
    expect_close(name, evaluation.inputs.at(name).values, doubles(values));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, TorchTrain,
                         ::testing::ValuesIn(load_reference("torch_train.json").get<std::vector<json>>()),
                         [](const auto& test) { return test.param["name"].template get<std::string>(); });

TEST(TorchTrainCases, HoldEveryOptimizerAndLoss) {
  std::set<std::string> covered;
  for (const json& c : load_reference("torch_train.json")) {
    covered.insert(c["loss"].begin().key());
    covered.insert(c["optimizer"].begin().key());
  }
  for (const OpInfo& info : all_ops()) {
    if (info.kind == OpKind::optimizer || info.kind == OpKind::loss) {
      EXPECT_TRUE(covered.count(info.name)) << info.name << " has no case in tests/reference/torch_train.py";
    }
  }
}

}  // namespace
}  // namespace shoal::test
