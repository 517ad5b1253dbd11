// What is read is what was written; what is printed reads back as the same spec.
#include <fmt/ranges.h>

#include "compiler/support/error.h"
#include "tests/json/cases.h"

namespace shoal {

namespace {

std::string shape_json(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ",")); }

void expect_round_trip(const std::string& text) {
  SCOPED_TRACE(text);
  const Spec spec = read_spec(text);
  const std::string printed = to_json(spec);
  const Spec again = read_spec(printed);
  EXPECT_TRUE(again == spec) << printed;
  EXPECT_EQ(to_json(again), printed);
}

std::string spec_with(const std::string& layers, const Shape& input, const std::string& rest) {
  return fmt::format(R"({{"shoal": 1, "network": {{"input": {}, "layers": [{}]}}{}}})", shape_json(input), layers,
                     rest);
}

}  // namespace

TEST(RoundTrip, EverySampleOfEveryOp) {
  size_t tried = 0;
  for (const OpInfo& info : all_ops()) {
    for (const OpSample& sample : info.samples()) {
      const std::string op = sample.op->text();
      ++tried;
      switch (info.kind) {
        case OpKind::layer:
        case OpKind::activation:
          if (info.many_inputs) {
            // The input itself and a layer that keeps its shape stand for the sample's inputs.
            const std::string body = op.substr(0, op.size() - 1) + R"(, "input": ["input", "0"]})";
            expect_round_trip(spec_with("\"relu\", " + body, sample.inputs[0].size() > 1 ? Shape{2, 2} : Shape{3}, ""));
          } else if (!sample.inputs[0].empty()) {
            expect_round_trip(spec_with(op, sample.inputs[0], ""));
          }
          break;
        case OpKind::loss:
          if (!sample.inputs[0].empty()) {
            expect_round_trip(spec_with("\"relu\"", sample.inputs[0], ", \"loss\": " + op));
          }
          break;
        case OpKind::metric: {
          const bool labels = info.name == "accuracy";
          expect_round_trip(spec_with(
              "\"relu\"", {3},
              std::string(", \"loss\": \"") + (labels ? "cross_entropy" : "mse") + "\", \"metrics\": [" + op + "]"));
          break;
        }
        case OpKind::optimizer:
          expect_round_trip(spec_with(R"({"dense": {"units": 2}})", {3}, ", \"loss\": \"mse\", \"optimizer\": " + op));
          break;
        case OpKind::initializer:
          expect_round_trip(spec_with(R"({"dense": {"units": 2, "weight_initializer": )" + op + "}}", {3}, ""));
          break;
      }
    }
  }
  EXPECT_GE(tried, all_ops().size());  // every op has a sample
}

TEST(RoundTrip, EveryFormOfEverySection) {
  const std::string network = R"({"dense": {"units": 2}})";
  const std::string trained = R"(, "loss": "mse", "optimizer": "adam")";
  for (const std::string rest : {
           R"(, "training": {})",
           R"(, "training": {"batch": 7, "steps": 1000000})",
           R"(, "population": {"members": 5, "seed": 9007199254740991})",
           R"(, "population": {"vary": {"optimizer.lr": {"log_uniform": [1e-5, 0.30000000000000004]}}})",
           R"(, "population": {"vary": {"optimizer.lr": {"uniform": [0, 1]}, "optimizer.beta1": {"choice": [0.9]}}})",
           R"(, "population": {"vary": {"optimizer.lr": {"grid": [0.1, 0.2]}, "optimizer.beta1": {"grid": [0, 0.5]}}})",
           R"(, "population": {"vary": {"optimizer.lr": {"list": [0.1, 0.2, 0.7]}}})",
           R"(, "data": {"file": "a \"b\".npz"})",
           R"(, "data": {"file": "a.csv", "x": ["a", 3, "2:5"], "y": -1, "validation": 0.25, "scale": "minmax"})",
           R"(, "data": {"file": "a.npz", "validation": {"x": "xv", "y": "yv"}, "scale": 255})",
           R"(, "data": {"file": "a.npz", "validation": {"file": "b.npz"}, "scale": "standard"})",
           R"json(, "define": {"unused(x, a)": "x * a"})json",
       }) {
    expect_round_trip(spec_with(network, {3}, trained + rest));
  }
}

TEST(RoundTrip, Examples) {
  expect_round_trip(testing_json::file_text("examples/digits.json"));
  expect_round_trip(testing_json::file_text("examples/xor.json"));
}

TEST(ReadSpec, HoldsWhatTheDocumentSays) {
  const Spec spec = read_spec(R"json({"shoal": 1, "name": "skip", "define": {"swish(x)": "x * sigmoid(x)"},
    "network": {"input": 4, "layers": [{"dense": {"units": 4, "bias": false}, "name": "a"}, "swish",
                                       {"dense": {"units": 4}, "input": "a"}, {"add": ["1", "2"], "name": "sum"}]},
    "loss": {"huber": {"delta": 2}}, "metrics": ["mae"], "optimizer": {"sgd": {"lr": 0.5}},
    "training": {"batch": 3, "steps": 11},
    "population": {"vary": {"loss.delta": {"grid": [1, 2, 3]}, "optimizer.lr": {"grid": [0.1, 0.2]}}},
    "data": {"file": "t.csv", "x": [0, "b"], "y": "label", "validation": 0.5, "scale": 4}})json");
  EXPECT_EQ(spec.model.name, "skip");
  EXPECT_EQ(spec.model.network.input, Shape{4});
  ASSERT_EQ(spec.model.network.layers.size(), 4u);
  EXPECT_EQ(spec.model.network.layers[0].name, "a");
  EXPECT_EQ(spec.model.network.layers[0].op->text(), R"({"dense":{"units":4,"bias":false}})");
  EXPECT_EQ(spec.model.network.layers[1].op->info().name, "swish");
  EXPECT_EQ(spec.model.network.layers[2].inputs, std::vector<std::string>{"a"});
  EXPECT_EQ(spec.model.network.layers[3].inputs, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(spec.model.network.layers[3].place, "/network/layers/3");
  EXPECT_EQ(spec.model.loss->text(), R"({"huber":{"delta":2}})");
  EXPECT_EQ(spec.model.varied, (std::vector<std::string>{"loss.delta", "optimizer.lr"}));
  EXPECT_EQ(*spec.training, (Training{.batch = 3, .epochs = 0, .steps = 11}));
  EXPECT_EQ(spec.population.members, 6);  // the product of the grids
  EXPECT_EQ(spec.population.vary[1], (Vary{.kind = Vary::Kind::grid, .name = "optimizer.lr", .values = {0.1, 0.2}}));
  EXPECT_EQ(spec.data->x, (std::vector<std::string>{"0", "b"}));
  EXPECT_EQ(spec.data->validation.fraction, 0.5);
  EXPECT_EQ(spec.data->scale, Scaling::divide);
  EXPECT_EQ(spec.data->divisor, 4);
}

TEST(ReadSpec, AFormulaCanBeALossWhoseParameterVaries) {
  const char* const text = R"json({"shoal": 1, "define": {"power(p, t, k)": "k * square(p - t)"},
    "network": {"input": 1, "layers": [{"dense": {"units": 1}}]}, "loss": {"power": {"k": 2}}, "optimizer": "sgd",
    "population": {"vary": {"loss.k": {"list": [1, 2]}}}})json";
  const Spec spec = read_spec(text, "spec", {"optimizer.lr=0.25"});
  EXPECT_EQ(spec.model.loss->info().name, "power");
  EXPECT_EQ(spec.population.members, 2);
  EXPECT_EQ(std::get<double>(spec.model.optimizer->get("lr")), 0.25);
}

TEST(ReadSpec, SpecsThatDifferAreNotEqual) {
  const std::string text = testing_json::file_text("examples/digits.json");
  const Spec spec = read_spec(text);
  for (const char* change :
       {"name=\"other\"", "network.input=32", "network.storage=f16", "network.precision=tf32", "network.fast_math=true",
        "network.layers.0.units=8", "network.layers.1=tanh", "network.layers.1={\"relu\": {}, \"name\": \"r\"}",
        "loss.label_smoothing=0.1", "metrics=[]", "optimizer.lr=0.5", "training.batch=16", "training={\"steps\": 3}",
        "population.seed=8", "population.members=2", "population.vary={}", "data.scale=\"none\"", "data.validation=0.1",
        "define={\"f(x)\": \"x\"}"}) {
    EXPECT_FALSE(read_spec(text, "spec", {change}) == spec) << change;
  }
  EXPECT_TRUE(read_spec(text, "spec", {"training.batch=32"}) == spec);
}

}  // namespace shoal
