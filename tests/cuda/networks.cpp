// Whole networks as CUDA: the emitted text of every mapping runs bitwise as the interpreter does, and NVRTC takes it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "compiler/lower/lower.h"
#include "compiler/make_plan.h"
#include "compiler/passes/passes.h"
#include "compiler/support/error.h"
#include "runtime/cuda/nvrtc.h"
#include "tests/emulate/emulate.h"
#include "tests/harness/mappings.h"
#include "tests/harness/run_module.h"
#include "tests/ops/op_harness.h"
#include "tests/programs/model_json.h"

namespace shoal::cuda {
namespace {

// What has been proven so far, for the line that ends a run of the tests.
int launches_emulated = 0, texts_accepted = 0;

harness::Executor in_emulator(uint64_t seed) {
  return [seed](const Module& m, std::vector<harness::Words>& words, const std::vector<int32_t>& scalars) {
    std::vector<emulate::Argument> arguments;
    for (size_t i = 0; i < words.size(); i++) {
      arguments.push_back(emulate::buffer(m.kernel.buffers[i].name, words[i]));
      arguments.back().read_only = !m.kernel.buffers[i].written;
    }
    for (int32_t value : scalars) arguments.push_back(emulate::scalar(value));
    emulate::Program program = emulate::compile(m.source, m.kernel.name);
    const auto report = program.launch(static_cast<int>(m.groups), m.kernel.warps * m.kernel.lanes,
                                       m.kernel.shared_elements * 4, arguments, seed);
    EXPECT_TRUE(report.clean()) << report.text();
    ++launches_emulated;
  };
}

void expect_accepted(const Nvrtc& nvrtc, const Module& m, int architecture) {
  EXPECT_FALSE(nvrtc.compile(m.source, architecture).bytes.empty()) << m.source;
  ++texts_accepted;
}

// Null where there is none: the emulator alone then.
std::unique_ptr<Nvrtc> open_nvrtc() {
  try {
    return std::make_unique<Nvrtc>();
  } catch (const RuntimeError&) {
    return nullptr;
  }
}

void expect_emulated_as_interpreted(const Module& m, const Graph& graph, const Evaluation& e, int steps,
                                    uint64_t seed) {
  const auto emulated = harness::run_module(m, graph, e, steps, in_emulator(seed));
  const auto interpreted = harness::run_module(m, graph, e, steps, harness::in_interpreter(0));
  std::string where;
  EXPECT_EQ(harness::worst_error(emulated, interpreted, 1e-300, 0, &where), 0) << where << "\n"
                                                                               << m.plan_text << m.source;
}

Model regression() {
  Model model;
  model.network = test::network_from_json("[6]", R"([{"dense":{"units":12}},{"tanh":{}},{"dense":{"units":4}}])");
  model.loss = test::loss_from_json(test::json::parse(R"({"mse":{}})"));
  model.optimizer = test::optimizer_from_json(test::json::parse(R"({"adam":{"lr":0.01}})"));
  return model;
}

Model classification() {
  Model model;
  model.network = test::network_from_json("[5]", R"([{"dense":{"units":9}},{"relu":{}},{"dense":{"units":3}}])");
  model.loss = test::loss_from_json(test::json::parse(R"({"cross_entropy":{}})"));
  model.optimizer = test::optimizer_from_json(test::json::parse(R"({"sgd":{"lr":0.1}})"));
  return model;
}

class CudaNetworks : public testing::TestWithParam<harness::Mapping> {
 protected:
  static void TearDownTestSuite() {
    fmt::print("count: {} launches in the emulator, {} texts accepted by NVRTC\n", launches_emulated, texts_accepted);
  }
  // Another one under the next mapping, so that every sample meets all three.
  static int architecture_in_turn(size_t sample) {
    constexpr int architectures[] = {80, 90, 120};
    const auto mappings = harness::cuda_mappings();
    size_t own = 0;
    while (mappings[own].name != GetParam().name) own++;
    return architectures[(sample + own) % 3];
  }
  static Module compile_for(const Program& program, int64_t members) {
    return compile(program.graph, harness::target_for(GetParam()),
                   {.members = members, .schedule = harness::schedule_for(GetParam(), program.graph)});
  }
};

TEST_P(CudaNetworks, TrainingRunsAsTheInterpreterDoes) {
  for (const Model& model : {regression(), classification()}) {
    const Program program = train(model, {.samples = 17, .batch = 8});
    const Evaluation e = harness::random_inputs(program.graph, 3, 5);
    const Module m = compile_for(program, 3);
    for (uint64_t seed = 0; seed < 3; seed++) expect_emulated_as_interpreted(m, program.graph, e, 4, seed);
  }
}

TEST_P(CudaNetworks, NvrtcTakesThem) {
  std::unique_ptr<Nvrtc> nvrtc;
  try {
    nvrtc = std::make_unique<Nvrtc>();
  } catch (const RuntimeError& error) {
    GTEST_SKIP() << error.what();
  }
  for (Model model : {regression(), classification()}) {
    const Module training = compile_for(train(model, {.samples = 17, .batch = 8}), 3);
    model.network.storage = model.loss->info().name == "mse" ? DType::f16 : DType::bf16;
    const Module inference = compile_for(forward(model, 8, false), 3);
    for (int sm : {80, 90, 120})
      for (const Module* m : {&training, &inference}) expect_accepted(*nvrtc, *m, sm);
  }
}

// Equal layers become loops: as many bits as without them, and as the graph says.
TEST(CudaEqualLayers, TheLoopOverThemRunsAsTheLayersDo) {
  std::string layers = "[";
  for (int n = 0; n < 6; ++n) layers += R"({"dense":{"units":8}},{"relu":{}},)";
  Model model;
  model.network = test::network_from_json("[8]", (layers + R"({"dense":{"units":8}}])").c_str());
  model.loss = test::loss_from_json(test::json::parse(R"({"mse":{}})"));
  model.optimizer = test::optimizer_from_json(test::json::parse(R"({"sgd":{"lr":0.1}})"));
  const Program program = train(model, {.samples = 16, .batch = 8});
  const Evaluation e = harness::random_inputs(program.graph, 2, 5);
  Target target;
  target.kind = Target::Kind::cuda;
  target.lanes = 32;
  const Module folded = compile(program.graph, target,
                                {.members = 2, .schedule = "member=group sample=lane*4 unit=lane*8 tile=8x4 unroll=4"});
  Module plain = folded;
  plain.kernel = lower::lower(make_plan(program.graph, plan::parse_schedule(folded.schedule, 32), target));
  ASSERT_LT(folded.kernel.code.size(), plain.kernel.code.size() * 9 / 10) << "nothing has been folded";
  const auto as_loop = harness::run_module(folded, program.graph, e, 3, harness::in_interpreter(1));
  const auto as_layers = harness::run_module(plain, program.graph, e, 3, harness::in_interpreter(1));
  std::string where;
  EXPECT_EQ(harness::worst_error(as_loop, as_layers, 1e-300, 0, &where), 0) << where << "\n" << folded.source;
  // Rounding of sums of 8 in 14 layers and 3 steps.
  EXPECT_LE(harness::worst_error(as_loop, harness::run_reference(program.graph, e, 3), 1e-5, 1e-4, &where), 1) << where;
  expect_emulated_as_interpreted(folded, program.graph, e, 3, 1);
}

// A thread a member, and lanes of samples and units.
TEST(CudaFastMath, TrainingRunsAsTheInterpreterDoesAndNvrtcTakesIt) {
  Model model;
  model.network = test::network_from_json("[2]", R"([{"dense":{"units":8}},{"silu":{}},{"dense":{"units":1}}])");
  model.network.permits.fast_math = true;
  model.loss = test::loss_from_json(test::json::parse(R"({"binary_cross_entropy":{}})"));
  model.optimizer = test::optimizer_from_json(test::json::parse(R"({"adam":{"lr":0.05}})"));
  const Program program = train(model, {.samples = 4, .batch = 4});
  const Evaluation e = harness::random_inputs(program.graph, 33, 5);
  const std::unique_ptr<Nvrtc> nvrtc = open_nvrtc();
  Target target;
  target.kind = Target::Kind::cuda;
  target.lanes = 32;
  for (const char* schedule : {"member=group,lane sample=loop unit=loop", "member=group sample=lane*4 unit=lane*8"}) {
    const Module m = compile(program.graph, target, {.members = 33, .schedule = schedule});
    EXPECT_NE(m.source.find("shoal_exp2("), std::string::npos) << m.source;  // which the accurate exp does not use
    expect_emulated_as_interpreted(m, program.graph, e, 3, 1);
    if (nvrtc) expect_accepted(*nvrtc, m, 90);
  }
}

// Sizes that tensor cores' tiles do not divide, and wide enough that every contraction is on them.
TEST(CudaTensorCores, TrainingRunsAsTheInterpreterDoesAndNvrtcTakesIt) {
  Model model;
  model.network =
      test::network_from_json("[29]", R"([{"dense":{"units":30}},{"tanh":{}},{"dense":{"units":31}},{"relu":{}}])");
  model.loss = test::loss_from_json(test::json::parse(R"({"mse":{}})"));
  model.optimizer = test::optimizer_from_json(test::json::parse(R"({"sgd":{"lr":0.01}})"));
  const Program program = train(model, {.samples = 50, .batch = 31});
  const Evaluation e = harness::random_inputs(program.graph, 2, 5);
  const std::unique_ptr<Nvrtc> nvrtc = open_nvrtc();
  Target target;
  target.kind = Target::Kind::cuda;
  target.lanes = 32;
  struct Case {
    std::string schedule;
    int architecture;  // one each: NVRTC takes seconds for these texts
  };
  uint64_t adversary = 0;  // of threads
  for (const Case& c :
       {Case{"member=group,warp*2 sample=lane*8 unit=lane*4 tile=8x4 precision=f32x3", 90},
        Case{"member=group,warp*2 sample=lane*8 unit=lane*4 tile=8x4 precision=tf32", 80},
        Case{"member=group sample=warp*2,lane*8 unit=warp*2,lane*4 tile=4x4 chunk=16 precision=bf16", 120}}) {
    SCOPED_TRACE(c.schedule);
    const Module m = compile(program.graph, target, {.members = 2, .schedule = c.schedule});
    EXPECT_GT(m.per_step.mma, 0);
    expect_emulated_as_interpreted(m, program.graph, e, 2, adversary++);
    if (nvrtc) expect_accepted(*nvrtc, m, c.architecture);
  }
}

TEST_P(CudaNetworks, ParametersOf16BitsRunAsTheInterpreterDoes) {
  for (DType storage : {DType::f16, DType::bf16}) {
    Model model = regression();
    model.network.storage = storage;
    const Program program = forward(model, 8, true);
    expect_emulated_as_interpreted(compile_for(program, 3), program.graph, harness::random_inputs(program.graph, 3, 5),
                                   1, static_cast<uint64_t>(storage));
  }
}

// Every op's samples, forward and gradients, under every mapping. NVRTC compiles each for one architecture, which
// mappings and ops take in turn: a text differs among architectures by nothing but its schedule.
TEST_P(CudaNetworks, EveryOpRunsAsTheInterpreterDoesAndNvrtcTakesIt) {
  const std::unique_ptr<Nvrtc> nvrtc = open_nvrtc();
  size_t number = 0;
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::layer && info.kind != OpKind::activation && info.kind != OpKind::loss) continue;
    for (const OpSample& sample : info.samples()) {
      ++number;
      const Graph graph =
          dce(cse(fold(info.kind == OpKind::loss
                           ? test::loss_graph(dynamic_cast<const Loss&>(*sample.op), sample.inputs.at(0), 5).graph
                           : test::layer_graph(dynamic_cast<const Layer&>(*sample.op), sample.inputs, 5).graph)));
      const Module m = compile(graph, harness::target_for(GetParam()),
                               {.members = 3, .schedule = harness::schedule_for(GetParam(), graph)});
      SCOPED_TRACE(sample.op->text());
      expect_emulated_as_interpreted(m, graph, harness::random_inputs(graph, 3, 12), 1, number);
      if (nvrtc) expect_accepted(*nvrtc, m, architecture_in_turn(number));
    }
  }
}

TEST_P(CudaNetworks, EveryOptimizerRunsAsTheInterpreterDoesAndNvrtcTakesIt) {
  const std::unique_ptr<Nvrtc> nvrtc = open_nvrtc();
  size_t number = 0;
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::optimizer) continue;
    for (const OpSample& sample : info.samples()) {
      SCOPED_TRACE(sample.op->text());
      Model model = classification();
      model.optimizer = std::dynamic_pointer_cast<const Optimizer>(sample.op);
      const Program program = train(model, {.samples = 17, .batch = 7});
      const Module m = compile_for(program, 3);
      expect_emulated_as_interpreted(m, program.graph, harness::random_inputs(program.graph, 3, 5), 2, 1);
      if (nvrtc) expect_accepted(*nvrtc, m, architecture_in_turn(++number));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Mappings, CudaNetworks, testing::ValuesIn(harness::cuda_mappings()),
                         [](const auto& mapping) { return mapping.param.name; });

}  // namespace
}  // namespace shoal::cuda
