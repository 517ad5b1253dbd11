// Networks whose parameters are stored as f16 or bf16, under every mapping: interpreted as the evaluator says, compiled
// and (tests/cuda) emulated as interpreted.
#include <gtest/gtest.h>

#include "compiler/graph/text.h"
#include "compiler/passes/passes.h"
#include "compiler/programs/programs.h"
#include "runtime/cpu/cpu_device.h"
#include "tests/harness/mappings.h"
#include "tests/harness/run_module.h"
#include "tests/programs/model_json.h"

namespace shoal {
namespace {

// Every way in which layers read their parameters.
Model model(DType storage) {
  Model m;
  m.network = test::network_from_json(
      "[1,6,7]", R"([{"conv2d":{"out_channels":3,"kernel":3}},{"tanh":{}},{"flatten":{}},{"dense":{"units":11}},
                     {"layer_norm":{}},{"relu":{}},{"dense":{"units":5}}])");
  m.network.storage = storage;
  m.loss = test::loss_from_json(test::json::parse(R"({"mse":{}})"));
  return m;
}

class Storage : public testing::TestWithParam<harness::Mapping> {};

TEST_P(Storage, ParametersAreReadAsTheyAreStored) {
  const harness::Mapping& mapping = GetParam();
  cpu::CpuDevice device(2);
  for (DType storage : {DType::f16, DType::bf16})
    for (int64_t batch : {1, 5}) {
      for (const Program& program : {forward(model(storage), batch, true), evaluate(model(storage), batch)}) {
        const Graph& graph = program.graph;
        SCOPED_TRACE(print(graph));
        EXPECT_EQ(print(parse_graph(print(graph))), print(graph));
        const Evaluation e = harness::random_inputs(graph, 9, 4);
        const Module m = compile(graph, mapping.cpu ? device.target() : harness::target_for(mapping),
                                 {.members = e.members, .schedule = harness::schedule_for(mapping, graph)});
        for (const Argument& a : m.arguments)
          EXPECT_EQ(a.dtype == storage, a.role == Role::parameter && !a.is_output) << a.name;
        const auto interpreted = harness::run_module(m, graph, e, 1, harness::in_interpreter(3));
        std::string where;
        // Inputs are rounded before both, so what differs is the rounding of sums in f32.
        EXPECT_LE(harness::worst_error(interpreted, harness::run_reference(graph, e, 1), 2e-5, 2e-5, &where), 1)
            << where;
        if (!mapping.cpu) continue;
        const auto compiled = harness::run_module(m, graph, e, 1, harness::on_device(device));
        EXPECT_EQ(harness::worst_error(compiled, interpreted, 1e-300, 0, &where), 0) << where;
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Mappings, Storage, testing::ValuesIn(harness::all_mappings()),
                         [](const auto& p) { return p.param.name; });

TEST(Storage, TrainingStoresParametersAsF32) {
  Model m = model(DType::f16);
  m.optimizer = test::optimizer_from_json(test::json::parse(R"({"sgd":{"lr":0.1}})"));
  EXPECT_EQ(print(train(m, {.samples = 8, .batch = 4}).graph).find("f16"), std::string::npos);
}

}  // namespace
}  // namespace shoal
