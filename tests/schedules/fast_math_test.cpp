// The permission fast_math: GPUs use it, CPUs do not, and gradients through it are those of finite differences.
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/graph/text.h"
#include "compiler/passes/passes.h"
#include "compiler/plan/plan.h"
#include "tests/harness/run_module.h"

namespace shoal {
namespace {

// The square of a logistic function of a tanh, summed over units and samples.
constexpr std::string_view text = R"(graph g batch=4
x = input(name="x", shape=[6], varies=member+sample)
w = input(name="w", shape=[5, 6], role=parameter, varies=member)
h = tanh(contract(x, w, a="k", b="ok", out="o"))
s = 1 / (1 + exp(-h))
loss = contract(s, s, a="o", b="o", over_sample=true)
out loss = loss
)";

Target gpu() {
  Target target;
  target.kind = Target::Kind::cuda;
  target.lanes = 32;
  return target;
}

Graph graph_with_gradient() {
  Graph graph = parse_graph(text);
  const NodeId loss = graph.outputs[0].value;
  for (NodeId id = 0; id < graph.nodes.size(); ++id)
    if (graph[id].name == "w") {
      graph.outputs.push_back({.name = "dw", .value = differentiate(graph, loss, {id})[0]});
      break;
    }
  return graph;
}

TEST(FastMath, GradientsAreThoseOfFiniteDifferences) {
  Graph graph = graph_with_gradient();
  const Evaluation e = harness::random_inputs(graph, 3, 7);
  // A term of dw is 2 s^2 (1 - s) (1 - h^2) x with |x| <= 1 and s < 3/4. What h is off, 3 * 2^-23, counts 0.6 times; s
  // is off by 2^-22 at most, and counts 0.7 times: 3.2 * 2^-23. Ten roundings of terms below 0.3 are 1.5 * 2^-23. There
  // are four terms. The differences are exact to 1e-8.
  constexpr double allowed = 4 * (3.2 + 1.5) * 0x1p-23 + 1e-8, step = 1e-4;
  for (const char* schedule : {"member=group,lane sample=loop unit=loop", "member=group sample=lane*4 unit=lane*8"}) {
    graph.permits.fast_math = true;
    const Module m = compile(graph, gpu(), {.members = 3, .schedule = schedule});
    const Array got = harness::run_module(m, graph, e, 1, harness::in_interpreter(1)).at("dw");
    for (size_t i = 0; i < got.values.size(); ++i) {
      const auto loss_at = [&](double change) {
        Evaluation moved = e;
        moved.inputs.at("w").values[i] += change;
        const Array loss = harness::run_reference(graph, moved, 1).at("loss");
        return loss.values[i / 30];  // of the member whose weight was moved
      };
      ASSERT_NEAR(got.values[i], (loss_at(step) - loss_at(-step)) / (2 * step), allowed) << schedule << " " << i;
    }
    graph.permits.fast_math = false;
    const Module accurate = compile(graph, gpu(), {.members = 3, .schedule = schedule});
    EXPECT_LT(m.per_step.instructions, accurate.per_step.instructions);
  }
}

TEST(FastMath, TheTextOfAPlanSaysIt) {
  Graph graph = parse_graph(text);
  graph.permits.fast_math = true;
  const Module m = compile(graph, gpu(), {.members = 3});
  EXPECT_NE(m.plan_text.find(" fast_math"), std::string::npos) << m.plan_text;
  EXPECT_EQ(print(plan::parse_plan(m.plan_text)), m.plan_text);
}

TEST(FastMath, CpusComputeTheSameWithIt) {
  Graph graph = parse_graph(text);
  const std::string plain = compile(graph, {}, {}).source;
  graph.permits.fast_math = true;
  const Module permitted = compile(graph, {}, {});
  EXPECT_EQ(permitted.source, plain);
  EXPECT_NE(permitted.why.find("fast_math is permitted"), std::string::npos) << permitted.why;
}

}  // namespace
}  // namespace shoal
