// parse_plan(print(plan)) == plan and lowers to the same kernel, for every op under every mapping.
#include <gtest/gtest.h>

#include "compiler/kernel/kernel.h"
#include "compiler/lower/lower.h"
#include "compiler/passes/passes.h"
#include "compiler/support/error.h"
#include "tests/harness/random_graph.h"
#include "tests/ops/op_harness.h"
#include "tests/plan/plans.h"

namespace shoal::test {
namespace {

void expect_round_trip(const plan::Plan& plan) {
  const std::string text = print(plan);
  const plan::Plan back = plan::parse_plan(text);
  EXPECT_TRUE(back == plan) << text;
  EXPECT_EQ(print(back), text);
  EXPECT_EQ(print(lower::lower(back)), print(lower::lower(plan))) << text;
}

class PlanText : public testing::TestWithParam<harness::Mapping> {};

TEST_P(PlanText, EveryOpComesBack) {
  int count = 0;
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::layer && info.kind != OpKind::activation && info.kind != OpKind::loss) continue;
    for (const OpSample& sample : info.samples()) {
      SCOPED_TRACE(sample.op->text());
      const Graph graph = info.kind == OpKind::loss
                              ? loss_graph(dynamic_cast<const Loss&>(*sample.op), sample.inputs.at(0), 7).graph
                              : layer_graph(dynamic_cast<const Layer&>(*sample.op), sample.inputs, 7).graph;
      expect_round_trip(plan_for(dce(cse(fold(graph))), GetParam()));
      ++count;
    }
  }
  EXPECT_GT(count, 20);
}

TEST_P(PlanText, RandomTrainingStepsComeBackWithAndWithoutSharedMemory) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = harness::random_graph(seed, 4);
    expect_round_trip(plan_for(graph, GetParam()));
    expect_round_trip(plan_for(graph, GetParam(), 64));
  }
}

TEST_P(PlanText, ParametersOf16BitsComeBack) {
  Graph graph = layer_graph(dynamic_cast<const Layer&>(*find_op(OpKind::layer, "dense")->samples()[0].op),
                            find_op(OpKind::layer, "dense")->samples()[0].inputs, 7)
                    .graph;
  std::erase_if(graph.outputs, [](const Output& o) { return o.state != no_node; });
  for (Node& node : graph.nodes)
    if (node.prim == Prim::input && node.attrs.role == Role::parameter) node.attrs.dtype = DType::bf16;
  const plan::Plan plan = plan_for(dce(cse(fold(graph))), GetParam());
  EXPECT_NE(print(plan).find(" bf16 ["), std::string::npos);
  expect_round_trip(plan);
}

INSTANTIATE_TEST_SUITE_P(Mappings, PlanText, testing::ValuesIn(harness::all_mappings()),
                         [](const auto& p) { return p.param.name; });

constexpr std::string_view small = R"(plan p batch=4 chunk=4
schedule member=group,lane*8 sample=loop unit=loop tile=4x2 unroll=4
argument x f32 [3] varies=sample input samples=4 live=0:0
argument y f32 [3] varies=member,sample output samples=4 live=0:0
nest y region=0 [s:4 sample, u0:3 tile*3]
  %0 = load x[u0]
  %1 = mul(%0, %0)
  store y[u0] = %1
)";

TEST(PlanTextErrors, SmallPlanIsRead) {
  const plan::Plan plan = plan::parse_plan(small);
  plan::verify(plan);
  EXPECT_EQ(print(plan), small);
}

TEST(PlanText, EqualNamesAndOddOnesAreToldApart) {
  plan::Plan plan = plan::parse_plan(small);
  plan.values[1].name = plan.arguments[1].name = "x";
  plan.name = "a plan\n\"of\" #1";
  plan.nests[0].axes[0].name = plan.nests[0].axes[1].name = "q0";
  expect_round_trip(plan);
  EXPECT_NE(print(plan).find("load x@0[q0@1]"), std::string::npos) << print(plan);
}

TEST(PlanText, RareFieldsComeBack) {
  plan::Plan plan = plan::parse_plan(small);
  plan::Nest& nest = plan.nests[0];
  nest.quotients.push_back({{{{1, 2}, {0, -1}}, -3}, 2, 3});
  nest.body.push_back({.kind = plan::Scalar::Kind::guarded,
                       .value = -0.25,
                       .guards = {{{{{1, -1}}, 5}, 4, -1}, {{}, 0, 0}},
                       .args = {0, -1, -1}});
  nest.body.push_back(
      {.kind = plan::Scalar::Kind::primitive, .dtype = DType::boolean, .prim = Prim::lt, .args = {0, 1, -1}});
  nest.relayout = nest.over_chunks = true;
  nest.loop = 1;
  plan.loops = {{3, false}, {5, true}};
  plan.places[0].strides = {7};
  plan.places[0].size = 99;
  plan.places[0].sample_stride = 11;
  plan.values[1].row_major = true;
  plan.bindings[0].axes[0] = {
      .threads = 6, .lane_count = 2, .lane_bits = {2}, .warp_div = 1, .warp_count = 3, .tile = 6, .vector = 2};
  plan.bindings[0].idle_lanes = 4;
  plan.bindings[0].idle_warps = 2;
  plan.bindings[0].idle_warp_div = 3;
  const std::string text = print(plan);
  EXPECT_TRUE(plan::parse_plan(text) == plan) << text;
}

struct Bad {
  std::string from, to, message;
};

// One mistake in the small plan, and its exact message.
TEST(PlanTextErrors, EachMistakeHasItsMessage) {
  const std::vector<Bad> cases = {
      {"plan p", "plain p", "plan:1: expected a line that starts with 'plan'"},
      {"batch=4", "batch=0", "plan:1: expected an integer from 1 to 2147483647, got 0"},
      {"batch=4", "bitch=4", "plan:1: unexpected 'bitch'"},
      {"unroll=4", "unroll=x", "plan:2: expected a positive number in 'unroll=x', got 'x'"},
      {"argument x f32", "argument x f64", "plan:3: expected f32, i32, bool, f16 or bf16, got 'f64'"},
      {"varies=sample", "varies=time", "plan:3: expected member, sample or none, got 'time'"},
      {"sample input", "sample imput", "plan:3: expected output or a role, got 'imput'"},
      {"sample input", "sample input strides=[1, 2]", "plan:3: expected a stride for each dimension"},
      {"argument x", "orgument x",
       "plan:3: expected schedule, loop, argument, value, nest or relayout, got 'orgument'"},
      {"nest y region=0", "nest y", "plan:5: expected region="},
      {"tile*3", "tiles*3", "plan:5: expected 'tile', got 'tiles'"},
      {"load x", "load xx", "plan:6: no value is called 'xx' (did you mean \"x\"?)"},
      {"load x", "load x@1", "plan:6: no value 'x' has number 1"},
      {"x[u0]", "x[u1]", "plan:6: no axis is called 'u1' (did you mean \"u0\"?)"},
      {"x[u0]", "x[u0, s]", "plan:6: 'x' has 1 dimensions, got 2 indices"},
      {"%1 = mul", "%2 = mul", "plan:7: scalar %2 is not defined yet"},
      {"%1 = mul", "%0 = mul", "plan:7: expected %1"},
      {"mul(%0, %0)", "mul(%0, %1)", "plan:7: scalar %1 is not defined yet"},
      {"mul(%0, %0)", "mul(%0)", "plan:7: expected ',', got ')'"},
      {"mul(%0, %0)", "contract(%0, %0)", "plan:7: 'contract' does not work on scalars"},
      {"store y[u0] = %1", "store y[u0] = %2", "plan:8: scalar %2 is not defined yet"},
      {"tile*3]", "tile*3] sum %7 over []", "plan:5: the nest has no scalar %7"},
      {"load x[u0]", "load x[u0] where u0 in 2", "plan:6: expected 'else', got the end of the line"},
      {"%0, %0)", "%0, %0) ~", "plan:7: unexpected character '~'"},
  };
  for (const Bad& bad : cases) {
    std::string text(small);
    text.replace(text.find(bad.from), bad.from.size(), bad.to);
    try {
      plan::parse_plan(text);
      ADD_FAILURE() << "accepted: " << bad.to;
    } catch (const SpecError& error) {
      EXPECT_EQ(error.what(), bad.message) << bad.to;
    }
  }
}

// Whatever single character is lost or doubled, the text is read or refused, and nothing else happens.
TEST(PlanTextErrors, DamagedTextIsReadOrRefused) {
  int refused = 0;
  for (size_t at = 0; at < small.size(); ++at) {
    for (std::string middle : {"", "9", "%", "-", "["}) {
      std::string text = std::string(small.substr(0, at)) + middle + std::string(small.substr(at + 1));
      try {
        plan::parse_plan(text);
      } catch (const SpecError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace shoal::test
