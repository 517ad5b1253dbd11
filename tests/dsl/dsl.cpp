// Networks in C++ are the networks of JSON: the same graph, to the letter.
#include "frontend/dsl/dsl.h"

#include <gtest/gtest.h>

#include "compiler/graph/text.h"
#include "compiler/programs/programs.h"
#include "compiler/support/error.h"
#include "frontend/json/spec.h"

namespace shoal {

namespace {

using namespace dsl;

void expect_same_programs(const Model& model, const std::string& json) {
  const Model read = read_spec(json).model;
  EXPECT_EQ(print(forward(model, 3, true).graph), print(forward(read, 3, true).graph));
  if (!model.optimizer) return;
  const TrainOptions options{.samples = 12, .batch = 4};
  EXPECT_EQ(print(train(model, options).graph), print(train(read, options).graph));
}

}  // namespace

TEST(Dsl, ClassifierIsTheJsonOne) {
  const Sequential net{dense(64), relu(), dense(10)};
  const Model model{.network = net.network({64}),
                    .loss = loss::cross_entropy(),
                    .metrics = {metric::accuracy()},
                    .optimizer = optimizer::adam(0.01),
                    .varied = {"optimizer.lr"}};
  expect_same_programs(model, R"({"shoal": 1,
    "network": {"input": 64, "layers": [{"dense": {"units": 64}}, "relu", {"dense": {"units": 10}}]},
    "loss": "cross_entropy", "metrics": ["accuracy"], "optimizer": {"adam": {"lr": 0.01}},
    "population": {"vary": {"optimizer.lr": {"list": [0.1, 0.2]}}}})");
}

TEST(Dsl, NamesSkipsAndNamedFields) {
  Sequential net{dense({.units = 6, .bias = false}).named("encoder"), dsl::tanh(), leaky_relu(0.3).from("encoder"),
                 add({"1", "2"}), concat({"3", "encoder"}, {.dim = 0})};
  net.append(layer_norm({.eps = 1e-3}))
      .append(dense({.units = 1, .weight_initializer = initializer::normal({.std = 2})}));
  const Model model{.network = net.network({5}),
                    .loss = loss::huber({.delta = 0.5}),
                    .optimizer = optimizer::sgd({.lr = 0.1, .momentum = 0.9})};
  expect_same_programs(model, R"({"shoal": 1, "network": {"input": 5, "layers": [
    {"dense": {"units": 6, "bias": false}, "name": "encoder"}, "tanh", {"leaky_relu": {"negative_slope": 0.3}, "input": "encoder"},
    {"add": ["1", "2"]}, {"concat": ["3", "encoder"]}, {"layer_norm": {"eps": 1e-3}},
    {"dense": {"units": 1, "weight_initializer": {"normal": {"std": 2}}}}]},
    "loss": {"huber": {"delta": 0.5}}, "optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9}}})");
}

TEST(Dsl, StorageOfParameters) {
  const Sequential net{dense(3)};
  const std::string json =
      R"({"shoal": 1, "network": {"input": 2, "storage": "bf16", "layers": [{"dense": {"units": 3}}]}})";
  expect_same_programs({.network = net.network({2}, DType::bf16)}, json);
  EXPECT_EQ(read_spec(json).model.network.storage, DType::bf16);
}

TEST(Dsl, PrecisionOfProducts) {
  const Sequential net{dense(3)};
  const std::string json =
      R"({"shoal": 1, "network": {"input": 2, "precision": "tf32", "layers": [{"dense": {"units": 3}}]}})";
  expect_same_programs({.network = net.network({2}, DType::f32, {.precision = Precision::tf32})}, json);
  EXPECT_EQ(read_spec(json).model.network.permits.precision, Precision::tf32);
}

TEST(Dsl, FastMath) {
  const Sequential net{dense(3), tanh()};
  const std::string json =
      R"({"shoal": 1, "network": {"input": 2, "fast_math": true, "layers": [{"dense": {"units": 3}}, "tanh"]}})";
  expect_same_programs({.network = net.network({2}, DType::f32, {.fast_math = true})}, json);
  EXPECT_TRUE(read_spec(json).model.network.permits.fast_math);
}

TEST(Dsl, PairsAndPositionalFields) {
  const Sequential net{conv2d(2, 3), max_pool2d({.kernel = {2, 1}}), flatten(), softmax()};
  expect_same_programs({.network = net.network({1, 8, 8})}, R"({"shoal": 1, "network": {"input": [1, 8, 8], "layers": [
    {"conv2d": {"out_channels": 2, "kernel": 3}}, {"max_pool2d": {"kernel": [2, 1]}}, "flatten", "softmax"]}})");
}

TEST(Dsl, ParametersAndTheirInitializersAgreeToo) {
  const Model model{.network =
                        Sequential{dense({.units = 2, .bias_initializer = initializer::constant(3)})}.network({4})};
  const auto parameters = forward(model, 1, true).parameters;
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].initializer, R"({"kaiming_uniform":{}})");
  EXPECT_EQ(parameters[1].initializer, R"({"constant":{"value":3}})");
}

TEST(Dsl, BadFieldsNameTheirPlace) {
  try {
    dense(0);
    FAIL();
  } catch (const SpecError& error) {
    EXPECT_STREQ(error.what(), "dense/units: expected a positive integer, got 0");
  }
  EXPECT_THROW(optimizer::adam(-1), SpecError);
  EXPECT_THROW(add({"a", "b"}).from("c"), SpecError);
}

}  // namespace shoal
