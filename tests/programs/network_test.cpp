// Networks: names, skip connections, summaries, and errors that name their place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "compiler/support/error.h"
#include "tests/programs/model_json.h"

namespace shoal::test {
namespace {

using ::testing::ElementsAre;

std::string message(const std::function<void()>& action) {
  try {
    action();
  } catch (const SpecError& error) {
    return error.what();
  }
  return "no error";
}

std::string shape_error(const char* input, const char* layers) {
  return message([&] { output_shape(network_from_json(input, layers)); });
}

TEST(Network, DefaultNamesCountAllEntries) {
  const Network network = network_from_json("[3]", R"([{"dense":{"units":2}},{"relu":{}},{"dense":{"units":1}}])");
  EXPECT_THAT(layer_names_of(network), ElementsAre("0", "1", "2"));
  Model model;
  model.network = network;
  std::vector<std::string> names;
  for (const Parameter& parameter : forward(model, 1, false).parameters) names.push_back(parameter.name);
  EXPECT_THAT(names, ElementsAre("0.weight", "0.bias", "2.weight", "2.bias"));
}

TEST(Network, SummaryListsShapesAndParameters) {
  const auto rows = summarize(network_from_json(
      "[1, 8, 8]", R"([{"conv2d":{"out_channels":4,"kernel":3}},{"relu":{}},{"max_pool2d":{"kernel":2}},{"flatten":{}},
                       {"dense":{"units":10}}])"));
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[0].output, (Shape{4, 6, 6}));
  EXPECT_EQ(rows[0].parameters, 4 * 9 + 4);
  EXPECT_EQ(rows[2].output, (Shape{4, 3, 3}));
  EXPECT_EQ(rows[4].output, (Shape{10}));
  EXPECT_EQ(rows[4].parameters, 36 * 10 + 10);
  EXPECT_EQ(rows[4].op, R"({"dense":{"units":10}})");
}

TEST(Network, ErrorsNameTheLayer) {
  EXPECT_EQ(shape_error("[3]", R"([{"relu":{}},{"conv2d":{"out_channels":1,"kernel":3}}])"),
            "/network/1: conv2d: expected an image of shape [channels, height, width], got shape [3]");
  EXPECT_EQ(shape_error("[1, 2, 2]", R"([{"conv2d":{"out_channels":1,"kernel":3}}])"),
            "/network/0: conv2d: a kernel of [3, 3] does not fit on [1, 2, 2] with padding 0");
  EXPECT_EQ(shape_error("[3]", R"([{"op":{"relu":{}},"name":"first"},{"op":{"tanh":{}},"inputs":["frist"]}])"),
            "/network/1: no earlier layer \"frist\"; did you mean \"first\"?");
  EXPECT_EQ(shape_error("[3]", R"([{"relu":{}},{"op":{"tanh":{}},"inputs":["input"]}])"),
            "/network/0: no layer reads the output of \"0\"");
  EXPECT_EQ(shape_error("[3]", R"([{"dense":{"units":2}},{"op":{"add":{}},"inputs":["0","input"]}])"),
            "/network/1: add: expected shape [2], got shape [3]");
  EXPECT_EQ(shape_error("[3]", R"([{"add":{}}])"), "/network/0: add takes two or more inputs, got 1");
  EXPECT_EQ(shape_error("[3]", R"([{"dense":{}}])"), "/network/0: dense needs \"units\"");
  EXPECT_EQ(shape_error("[3]", R"([{"op":{"relu":{}},"name":"a"},{"op":{"relu":{}},"name":"a"}])"),
            "/network/1: a second layer named \"a\"");
  EXPECT_EQ(shape_error("[3]", R"([{"op":{"relu":{}},"name":"input"}])"),
            "/network/0: expected a name of letters, digits and _ (and not \"input\"), got \"input\"");
  EXPECT_EQ(shape_error("[3]", "[]"), "/network: expected at least one layer");
}

TEST(Network, ErrorsUseTheGivenPlace) {
  Network network = network_from_json("[3]", R"([{"dense":{}}])");
  network.layers[0].place = "net.dsl:4:7";
  EXPECT_EQ(message([&] { output_shape(network); }), "net.dsl:4:7: dense needs \"units\"");
}

Model classifier() {
  Model model;
  model.network = network_from_json("[3]", R"([{"dense":{"units":2}}])");
  model.loss = loss_from_json(json::parse(R"({"cross_entropy":{}})"));
  model.optimizer = optimizer_from_json(json::parse(R"({"sgd":{"momentum":0.5}})"));
  model.metrics = {metric("accuracy")};
  return model;
}

TEST(Validate, AcceptsAModelThatFits) { EXPECT_NO_THROW(validate(classifier())); }

TEST(Validate, NamesWhatDoesNotFit) {
  Model model = classifier();
  model.varied = {"optimizer.learning_rate"};
  EXPECT_EQ(message([&] { validate(model); }),
            "/vary/optimizer.learning_rate: expected one of optimizer.lr, optimizer.momentum, optimizer.dampening, "
            "optimizer.weight_decay, loss.label_smoothing");
  model.varied = {"optimizer.momentm"};
  EXPECT_EQ(message([&] { validate(model); }),
            "/vary/optimizer.momentm: no such hyperparameter; did you mean \"optimizer.momentum\"?");
  model = classifier();
  model.network = network_from_json("[1, 3]", R"([{"dense":{"units":2}}])");
  EXPECT_EQ(message([&] { validate(model); }), "/loss: expected logits of shape [classes], got shape [1, 2]");
  model = classifier();
  model.metrics = {metric("mae")};
  EXPECT_EQ(message([&] { validate(model); }), "/metrics/0: mae needs targets of the prediction's shape, got labels");
  model = classifier();
  model.optimizer = optimizer_from_json(json::parse(R"({"sgd":{"nesterov":true}})"));
  EXPECT_EQ(message([&] { validate(model); }), "/optimizer: nesterov needs a momentum and no dampening");
  model = classifier();
  model.network = network_from_json("[3]", R"([{"tanh":{}}])");
  EXPECT_EQ(message([&] { validate(model); }), "/network: has no parameters to train");
}

TEST(Validate, ATrainingProgramNeedsALossAndAnOptimizer) {
  Model model = classifier();
  model.optimizer = nullptr;
  EXPECT_EQ(message([&] { train(model, {.samples = 4, .batch = 2}); }), "/optimizer: is missing");
  model = classifier();
  model.loss = nullptr;
  EXPECT_EQ(message([&] { train(model, {.samples = 4, .batch = 2}); }), "/loss: is missing");
}

}  // namespace
}  // namespace shoal::test
