// The registry: folders and list agree, fields are set by name with helpful messages, texts read back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "compiler/ops/formula.h"
#include "compiler/ops/op.h"
#include "compiler/support/error.h"
#include "tests/harness/source_directory.h"
#include "tests/ops/op_harness.h"

namespace shoal::test {
namespace {

using ::testing::HasSubstr;

TEST(Registry, EveryOpHasItsOwnFile) {
  const std::filesystem::path room = std::filesystem::path(harness::source_directory()) / "compiler/ops";
  std::set<std::string> files, listed;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(room)) {
    if (entry.path().extension() == ".cpp" && entry.path().parent_path() != room) files.insert(entry.path().stem());
  }
  for (const OpInfo& info : all_ops()) {
    EXPECT_TRUE(listed.insert(info.name).second) << info.name << " is listed twice";
  }
  EXPECT_EQ(files, listed);
}

TEST(Registry, EveryOpAndFieldIsDocumented) {
  for (const OpInfo& info : all_ops()) {
    EXPECT_FALSE(info.doc.empty()) << info.name;
    for (const FieldInfo& field : info.fields) EXPECT_FALSE(field.doc.empty()) << info.name << "." << field.name;
  }
}

std::string problem(std::string_view op, OpKind kind, std::string_view field, const FieldValue& value) {
  return find_op(kind, op)->make()->set(field, value).value_or("");
}

TEST(Registry, ProblemsSayWhatWasExpected) {
  EXPECT_EQ(problem("dense", OpKind::layer, "units", int64_t{0}), "expected a positive integer, got 0");
  EXPECT_EQ(problem("dense", OpKind::layer, "units", 2.5), "expected a positive integer, got 2.5");
  EXPECT_EQ(problem("dense", OpKind::layer, "units", 4.0), "");
  EXPECT_EQ(problem("dense", OpKind::layer, "units", int64_t{1} << 30),
            "expected a positive integer up to 16777216, got 1073741824");
  EXPECT_EQ(problem("dense", OpKind::layer, "unit", int64_t{1}), "no such field; did you mean \"units\"?");
  EXPECT_EQ(problem("dense", OpKind::layer, "bias", int64_t{1}), "expected true or false, got 1");
  EXPECT_EQ(problem("relu", OpKind::activation, "slope", 1.0), "no such field; relu has none");
  EXPECT_EQ(problem("sgd", OpKind::optimizer, "momentum", 1.0), "expected a number in [0, 1), got 1");
  EXPECT_EQ(problem("sgd", OpKind::optimizer, "lr", std::nan("")), "expected a non-negative number, got nan");
  EXPECT_EQ(problem("gelu", OpKind::activation, "approximate", std::string("Tanh")),
            "expected one of \"none\", \"tanh\", got \"Tanh\"");
  EXPECT_EQ(problem("conv2d", OpKind::layer, "kernel", std::vector<int64_t>{1, 2, 3}),
            "expected a positive integer or a list of two, got [1,2,3]");
}

TEST(Registry, RequiredFieldsAreMissingUntilTheyAreSet) {
  const auto conv = find_op(OpKind::layer, "conv2d")->make();
  EXPECT_EQ(conv->missing(), "out_channels");
  EXPECT_FALSE(conv->set("out_channels", int64_t{4}));
  EXPECT_EQ(conv->missing(), "kernel");
  EXPECT_FALSE(conv->set("kernel", int64_t{3}));
  EXPECT_EQ(conv->missing(), std::nullopt);
  EXPECT_EQ(conv->text(), R"({"conv2d":{"out_channels":4,"kernel":[3,3]}})");
}

TEST(Registry, NearestNames) {
  EXPECT_EQ(nearest_name("dens", {"conv2d", "dense"}), "dense");
  EXPECT_EQ(nearest_name("cross_entrpy", {"mse", "cross_entropy"}), "cross_entropy");
  EXPECT_EQ(nearest_name("lr", {"momentum"}), "");
}

TEST(Initializers, TextsReadBack) {
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::initializer) continue;
    for (const OpSample& sample : info.samples()) {
      EXPECT_EQ(parse_initializer(sample.op->text())->text(), sample.op->text());
    }
  }
  EXPECT_THROW(parse_initializer(R"({"uniform":{"low":1)"), SpecError);
  EXPECT_THROW(parse_initializer(R"({"unifrm":{}})"), SpecError);
  EXPECT_THROW(parse_initializer(R"({"constant":{}})"), SpecError);
  EXPECT_THROW(parse_initializer(R"({"zeros":{}} )"
                                 "x"),
               SpecError);
}

TEST(Initializers, BoundsArePyTorchs) {
  const Distribution kaiming = parse_initializer(R"({"kaiming_uniform":{}})")->distribution(64, 10);
  EXPECT_EQ(kaiming.kind, Distribution::Kind::uniform);
  EXPECT_NEAR(kaiming.b, 1.0 / 8, 1e-15);  // 1 / sqrt(fan_in), rounded a few times
  EXPECT_EQ(kaiming.a, -kaiming.b);
  const Distribution xavier = parse_initializer(R"({"xavier_uniform":{"gain":2}})")->distribution(4, 2);
  EXPECT_NEAR(xavier.b, 2, 1e-15);  // 2 * sqrt(6 / 6)
  const Distribution normal = parse_initializer(R"({"normal":{"mean":1,"std":0.5}})")->distribution(1, 1);
  EXPECT_EQ(normal.kind, Distribution::Kind::normal);
  EXPECT_EQ(normal.a, 1);
  EXPECT_EQ(normal.b, 0.5);
}

TEST(Initializers, FieldsOfADenseLayerReachItsParameters) {
  const auto dense = find_op(OpKind::layer, "dense")->make();
  EXPECT_FALSE(dense->set("units", int64_t{2}));
  EXPECT_FALSE(dense->set("weight_initializer", parse_initializer(R"({"constant":{"value":3}})")));
  Graph graph;
  Scope scope(graph);
  scope.set_prefix("head");
  const Value x = scope.input("x", Role::input, {5}, {.sample = true});
  dynamic_cast<const Layer&>(*dense).expand(scope, {x});
  ASSERT_EQ(scope.parameters().size(), 2u);
  EXPECT_EQ(scope.parameters()[0].name, "head.weight");
  EXPECT_EQ(scope.parameters()[0].shape, (Shape{2, 5}));
  EXPECT_EQ(scope.parameters()[0].initializer, R"({"constant":{"value":3}})");
  EXPECT_EQ(scope.parameters()[1].initializer, R"({"kaiming_uniform":{}})");
  EXPECT_EQ(scope.parameters()[1].fan_in, 5);
}

TEST(Formulas, BecomeLayers) {
  const auto swish = formula_layer(parse_formula("swish( x, beta )", "x / (1 + exp(-(beta * x)))"));
  EXPECT_EQ(swish->missing(), "beta");
  EXPECT_EQ(swish->set("beta", int64_t{2}), std::nullopt);
  EXPECT_THAT(swish->set("bet", int64_t{2}).value_or(""), HasSubstr("did you mean \"beta\"?"));
  const OpGraph op = layer_graph(*swish, {{2}}, 1);
  const auto results = op.run({{"in0", {{1, -3}}}, {"cotangent", {{1, 1}}}});
  // x sigmoid(2x) by libm.
  expect_close("y", results.at("y").values, {1 / (1 + std::exp(-2)), -3 / (1 + std::exp(6))}, 1e-14, 0);
}

TEST(Formulas, BecomeLosses) {
  const auto loss = formula_loss(parse_formula("quartic(p, t, k)", "k * (p - t) * (p - t) * (p - t) * (p - t)"));
  EXPECT_EQ(loss->set("k", 0.5), std::nullopt);
  const OpGraph op = loss_graph(*loss, {2}, 1);
  const auto results = op.run({{"in0", {{1, 3}}}, {"target", {{0, 1}}}});
  EXPECT_EQ(results.at("scalar").values[0], 0.5 * (1 + 16) / 2);
  expect_close("gradient", results.at("d:in0").values, {1, 8}, 1e-14, 0);  // k 4 d^3 / 2
}

TEST(Formulas, BadHeadsAreRefused) {
  for (const char* head : {"swish", "swish()", "2x(x)", "f(x, x)", "f(x", "f(a b)", ""}) {
    EXPECT_THROW(parse_formula(head, "x"), SpecError) << head;
  }
}

}  // namespace
}  // namespace shoal::test
