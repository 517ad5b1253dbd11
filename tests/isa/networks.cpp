// Compares what a machine makes of networks with the interpreter, the evaluator and PyTorch.
#include "tests/isa/networks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/ops/op_harness.h"
#include "tests/programs/torch_training.h"

namespace shoal::test {
namespace {

// Rounding of f32: the samples' sums have at most a few hundred terms of about unit size, so 2e-5 is two hundred
// roundings.
constexpr double atol = 2e-5, rtol = 2e-5;

void agree(const Graph& graph, const Module& m, const Evaluation& e, const harness::Executor& executor) {
  const auto compiled = harness::run_module(m, graph, e, 1, executor);
  std::string where;
  EXPECT_EQ(harness::worst_error(compiled, harness::run_module(m, graph, e, 1, harness::in_interpreter(0)), 1e-300, 0,
                                 &where),
            0)
      << "not as interpreted: " << where;
  EXPECT_LE(harness::worst_error(compiled, harness::run_reference(graph, e, 1), atol, rtol, &where), 1)
      << "not as evaluated: " << where;
}

}  // namespace

std::vector<harness::Mapping> isa_mappings() {
  std::vector<harness::Mapping> chosen;
  for (const harness::Mapping& mapping : harness::all_mappings())
    for (const char* name :
         {"lane_per_member_chunks", "lane_per_sample", "lane_per_sample_chunks", "lane_per_unit", "team_over_both"})
      if (mapping.name == name) chosen.push_back(mapping);
  return chosen;
}

void ops_agree(const harness::Mapping& mapping, const Target& target, const harness::Executor& executor) {
  if (mapping.name != "lane_per_member_chunks" && mapping.name != "lane_per_unit")
    GTEST_SKIP() << "tried by whole networks";
  for (const OpCase& c : op_cases(5)) {
    SCOPED_TRACE(c.name);
    const Evaluation e = harness::random_inputs(c.graph, 6, 12);
    agree(c.graph,
          compile(c.graph, target, {.members = e.members, .schedule = harness::schedule_for(mapping, c.graph)}), e,
          executor);
  }
}

void training_agrees(const harness::Mapping& mapping, const Target& target, const harness::Executor& executor) {
  for (const json& c : load_reference("torch_train.json")) {
    const std::set<std::string> chosen{"adam_vary_lr", "smoothing", "layer_norm", "conv", "gru"};
    if (!chosen.contains(c["name"])) continue;
    const Trained trained = train_as_torch(c, mapping, target, executor);
    std::string where;
    EXPECT_LE(harness::worst_error(trained.got, trained.expected, torch_atol, torch_rtol, &where), 1)
        << c["name"] << ": " << where;
  }
}

void storage_agrees(const harness::Mapping& mapping, const Target& target, const harness::Executor& executor) {
  Model model;
  model.network = network_from_json(
      "[1,6,7]", R"([{"conv2d":{"out_channels":3,"kernel":3}},{"tanh":{}},{"flatten":{}},{"dense":{"units":11}},
                     {"layer_norm":{}},{"relu":{}},{"dense":{"units":5}}])");
  for (const DType storage : {DType::f16, DType::bf16}) {
    model.network.storage = storage;
    const Program program = forward(model, 5, true);
    const Evaluation e = harness::random_inputs(program.graph, 9, 4);
    agree(program.graph,
          compile(program.graph, target,
                  {.members = e.members, .schedule = harness::schedule_for(mapping, program.graph)}),
          e, executor);
  }
}

}  // namespace shoal::test
