// Forward, training and evaluation programs: what they read, in which order, and what they report.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "compiler/graph/evaluate.h"
#include "compiler/ops/formula.h"
#include "compiler/support/error.h"
#include "tests/programs/model_json.h"

namespace shoal::test {
namespace {

// One unit, one weight, no bias: y = w x.
Model line(const char* loss, double lr) {
  Model model;
  model.network = network_from_json("[1]", R"([{"dense":{"units":1,"bias":false}}])");
  model.loss = loss_from_json(json::parse(loss));
  model.optimizer = optimizer_from_json({{"sgd", {{"lr", lr}}}});
  return model;
}

const Node* find_input(const Graph& graph, const std::string& name) {
  for (const Node& node : graph.nodes) {
    if (node.prim == Prim::input && node.attrs.name == name) return &node;
  }
  return nullptr;
}

TEST(Forward, EveryMemberHasItsWeights) {
  const Program program = forward(line(R"({"mse":{}})", 0), 3, false);
  const auto results =
      evaluate(program.graph, {.members = 2, .inputs = {{"x", {{1, 2, 3}}}, {"0.weight", {{10, -1}}}}});
  EXPECT_EQ(results.at("y").values, (std::vector<double>{10, 20, 30, -1, -2, -3}));
}

TEST(Forward, EveryMemberMayHaveItsOwnInput) {
  const Program program = forward(line(R"({"mse":{}})", 0), 2, true);
  EXPECT_EQ(find_input(program.graph, "x")->varies, (Varies{.member = true, .sample = true}));
  const auto results =
      evaluate(program.graph, {.members = 2, .inputs = {{"x", {{1, 2, 3, 4}}}, {"0.weight", {{10, -1}}}}});
  EXPECT_EQ(results.at("y").values, (std::vector<double>{10, 20, -3, -4}));
}

TEST(Forward, HiddenStatesStartFromZerosUnlessTheyAreCarried) {
  Model model;
  model.network =
      network_from_json("[1,1]", R"([{"rnn":{"units":1,"nonlinearity":"relu","bias":false,"stateful":true}}])");
  model.loss = loss_from_json(json::parse(R"({"mse":{}})"));
  model.optimizer = optimizer_from_json({{"sgd", {{"lr", 0.1}}}});
  const std::map<std::string, Array> inputs = {
      {"x", {{1, 2}}}, {"0.weight_ih", {{10}}}, {"0.weight_hh", {{3}}}, {"0.h", {{5, 7}}}};
  const Graph carried = forward(model, 2, false, nullptr, HiddenState::carried).graph;
  const auto results = evaluate(carried, {.members = 1, .inputs = inputs});
  EXPECT_EQ(results.at("y").values, (std::vector<double>{10 + 15, 20 + 21}));
  for (const Output& output : carried.outputs)
    if (output.state != no_node) {
      EXPECT_EQ(results.at(output.name).values, results.at("y").values);
    }

  const Graph fresh = forward(model, 2, false).graph;
  EXPECT_EQ(evaluate(fresh, {.members = 1, .inputs = inputs}).at("y").values, (std::vector<double>{10, 20}));
  for (const Graph& graph : {fresh, train(model, {.samples = 2, .batch = 1}).graph, evaluate(model, 2).graph})
    EXPECT_EQ(find_input(graph, "0.h"), nullptr);
}

TEST(Evaluate, MeansOverAllSamples) {
  Model model = line(R"({"mse":{}})", 0);
  model.metrics = {metric("mae")};
  const Program program = evaluate(model, 4);
  EXPECT_EQ(program.graph.batch, 4);
  const auto results = evaluate(
      program.graph,
      {.members = 2, .inputs = {{"data.x", {{1, 2, 3, 4}}}, {"data.y", {{1, 2, 3, 8}}}, {"0.weight", {{1, 2}}}}});
  // Differences 0 0 0 -4, and 1 2 3 0.
  EXPECT_EQ(results.at("loss").values, (std::vector<double>{4, 3.5}));
  EXPECT_EQ(results.at("mae").values, (std::vector<double>{1, 1.5}));
}

// The samples that each member reads in each of `steps` steps: targets are powers of two and the weight stays zero, so
// the l1 loss times the batch is the set of samples, in binary.
std::vector<std::vector<int64_t>> sets_read(int64_t samples, int64_t batch, int64_t steps,
                                            const std::vector<double>& keys) {
  const Program program = train(line(R"({"l1":{}})", 0), {.samples = samples, .batch = batch});
  const auto members = static_cast<int64_t>(keys.size());
  std::vector<double> x(static_cast<size_t>(samples), 1.0), y;
  for (int64_t i = 0; i < samples; ++i) y.push_back(std::ldexp(1.0, static_cast<int>(i)));
  Evaluation evaluation{.members = members, .inputs = {{"data.x", {x}}, {"data.y", {y}}, {"order_key", {keys}}}};
  for (const char* name : {"0.weight", "loss_sum"}) evaluation.inputs[name] = {std::vector<double>(keys.size(), 0.0)};
  std::vector<std::vector<int64_t>> sets(keys.size());
  for (int64_t step = 0; step < steps; ++step) {
    evaluation.step = step;
    const auto results = evaluate(program.graph, evaluation);
    for (size_t m = 0; m < keys.size(); ++m) {
      sets[m].push_back(std::llround(results.at("loss_sum").values[m] * static_cast<double>(batch)));
    }
  }
  return sets;
}

TEST(Train, AnEpochReadsEverySampleOnce) {
  const auto sets = sets_read(12, 3, 12, {7, 8});
  for (const auto& member : sets) {
    for (size_t epoch = 0; epoch < 3; ++epoch) {
      int64_t all = 0;
      for (size_t step = 0; step < 4; ++step) {
        const int64_t set = member[epoch * 4 + step];
        EXPECT_EQ(std::popcount(static_cast<uint64_t>(set)), 3);
        EXPECT_EQ(all & set, 0);
        all |= set;
      }
      EXPECT_EQ(all, (1 << 12) - 1);
    }
  }
  // Orders differ between epochs and between members (by chance alone they would agree once in 369600 times).
  EXPECT_FALSE(std::equal(sets[0].begin(), sets[0].begin() + 4, sets[0].begin() + 4));
  EXPECT_NE(sets[0], sets[1]);
}

TEST(Train, TheRemainderOfAnEpochIsDropped) {
  const auto sets = sets_read(7, 3, 2, {1});  // two steps an epoch
  EXPECT_EQ(std::popcount(static_cast<uint64_t>(sets[0][0] | sets[0][1])), 6);
}

TEST(Train, TheWholeSetAsOneBatchNeedsNoOrder) {
  const Program program = train(line(R"({"l1":{}})", 0), {.samples = 5, .batch = 5});
  EXPECT_EQ(find_input(program.graph, "order_key"), nullptr);
  for (const Node& node : program.graph.nodes) EXPECT_NE(node.prim, Prim::shuffle);
}

TEST(Train, SumsAddUpBatchMeansBeforeTheUpdate) {
  Model model = line(R"({"mse":{}})", 0.25);
  model.metrics = {metric("mae")};
  const Program program = train(model, {.samples = 2, .batch = 2});
  Evaluation evaluation{
      .members = 1,
      .inputs = {
          {"data.x", {{1, 1}}}, {"data.y", {{1, 3}}}, {"0.weight", {{0}}}, {"loss_sum", {{0}}}, {"mae_sum", {{0}}}}};
  for (int step = 0; step < 2; ++step) {
    evaluation.step = step;
    for (auto& [name, value] : evaluate(program.graph, evaluation)) evaluation.inputs[name] = value;
  }
  // w: 0, then 0 - 0.25 * (2 * (0 - 2)) = 1, then 1.5. Losses (1 + 9) / 2 and (0 + 4) / 2; errors 2 and 1.
  EXPECT_EQ(evaluation.inputs.at("0.weight").values[0], 1.5);
  EXPECT_EQ(evaluation.inputs.at("loss_sum").values[0], 7);
  EXPECT_EQ(evaluation.inputs.at("mae_sum").values[0], 3);
}

TEST(Train, AHyperparameterOfTheLossMayVary) {
  Model model = line(R"({"huber":{}})", 1);
  model.varied = {"loss.delta"};
  const Program program = train(model, {.samples = 1, .batch = 1});
  const Node* delta = find_input(program.graph, "loss.delta");
  ASSERT_NE(delta, nullptr);
  EXPECT_EQ(delta->attrs.role, Role::hyper);
  const auto results = evaluate(program.graph, {.members = 2,
                                                .inputs = {{"data.x", {{1}}},
                                                           {"data.y", {{10}}},
                                                           {"0.weight", {{0, 0}}},
                                                           {"loss_sum", {{0, 0}}},
                                                           {"loss.delta", {{0.5, 2}}}}});
  EXPECT_EQ(results.at("0.weight").values,
            (std::vector<double>{0.5, 2}));  // the gradient is -delta where the loss is linear
}

TEST(Train, AdamCarriesItsCorrectionsOnceForAllParameters) {
  Model model = line(R"({"mse":{}})", 0);
  model.network = network_from_json("[2]", R"([{"dense":{"units":3}},{"tanh":{}},{"dense":{"units":1}}])");
  model.optimizer = optimizer_from_json(json::parse(R"({"adam":{}})"));
  const Program program = train(model, {.samples = 4, .batch = 2});
  int64_t scalars = 0, states = 0;
  for (const Node& node : program.graph.nodes) {
    if (node.prim != Prim::input || node.attrs.role != Role::state) continue;
    ++states;
    scalars += node.shape.empty() ? 1 : 0;
  }
  EXPECT_EQ(states, 4 * 2 + 3);  // m and v of four parameters; two corrections and loss_sum
  EXPECT_EQ(scalars, 3);
}

TEST(Train, FormulasTrainAsTheBuiltInOpsTheySpell) {
  Model model = line(R"({"mse":{}})", 0.1);
  model.network = network_from_json("[1]", R"([{"dense":{"units":1}},{"tanh":{}}])");
  Model spelled = model;
  spelled.network.layers[1].op = formula_layer(parse_formula("squash(x)", "1 - 2 / (exp(2 * x) + 1)"));
  spelled.loss = formula_loss(parse_formula("squared(p, t)", "(p - t) * (p - t)"));
  Evaluation evaluation{.members = 1, .inputs = {{"data.x", {{1, -2}}}, {"data.y", {{0.5, 0.1}}}}};
  for (const char* name : {"0.weight", "0.bias", "loss_sum"}) evaluation.inputs[name] = {{0.3}};
  const TrainOptions options{.samples = 2, .batch = 2};
  const auto want = evaluate(train(model, options).graph, evaluation);
  const auto got = evaluate(train(spelled, options).graph, evaluation);
  for (const char* name : {"0.weight", "0.bias", "loss_sum"}) {
    EXPECT_NEAR(got.at(name).values[0], want.at(name).values[0], 1e-14) << name;  // a few roundings in double
  }
  EXPECT_NE(want.at("0.weight").values[0], 0.3);
}

TEST(Train, ImpossibleOptionsAreRefused) {
  const Model model = line(R"({"mse":{}})", 0.1);
  EXPECT_THROW(train(model, {.samples = 2, .batch = 3}), SpecError);
  EXPECT_THROW(train(model, {.samples = 0, .batch = 0}), SpecError);
  EXPECT_THROW(train(model, {.samples = 8, .batch = 4, .explicit_steps = int64_t{1} << 40}), SpecError);
}

}  // namespace
}  // namespace shoal::test
