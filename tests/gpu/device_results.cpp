// Networks on the GPU of this machine, under every mapping, against the interpreter. Skipped without a GPU.
#include <gtest/gtest.h>

#include "compiler/passes/passes.h"
#include "compiler/support/error.h"
#include "runtime/cuda/cuda_device.h"
#include "runtime/strided_copy.h"
#include "tests/harness/mappings.h"
#include "tests/harness/run_module.h"
#include "tests/ops/op_harness.h"
#include "tests/programs/model_json.h"

namespace shoal::cuda {
namespace {

Model model_of(const char* input, const char* layers, const char* loss, const char* optimizer) {
  Model model;
  model.network = test::network_from_json(input, layers);
  model.loss = test::loss_from_json(test::json::parse(loss));
  model.optimizer = test::optimizer_from_json(test::json::parse(optimizer));
  return model;
}

std::vector<Model> models() {
  return {model_of("[6]", R"([{"dense":{"units":12}},{"tanh":{}},{"dense":{"units":4}}])", R"({"mse":{}})",
                   R"({"adam":{"lr":0.01}})"),
          model_of("[5]", R"([{"dense":{"units":9}},{"relu":{}},{"dense":{"units":3}}])", R"({"cross_entropy":{}})",
                   R"({"sgd":{"lr":0.1}})")};
}

class Gpu : public testing::TestWithParam<harness::Mapping> {
 protected:
  static void SetUpTestSuite() {
    try {
      device = new CudaDevice;
    } catch (const RuntimeError& error) {
      why = error.what();
    }
  }
  static void TearDownTestSuite() {
    delete device;
    device = nullptr;
  }
  void SetUp() override {
    if (!device) GTEST_SKIP() << why;
  }

  static Module compile_for(const Graph& graph, int64_t members) {
    return compile(graph, device->target(), {.members = members, .schedule = harness::schedule_for(GetParam(), graph)});
  }
  static void expect_as_interpreted(const Module& m, const Graph& graph, const Evaluation& e, int steps) {
    const auto on_gpu = harness::run_module(m, graph, e, steps, harness::on_device(*device));
    const auto interpreted = harness::run_module(m, graph, e, steps, harness::in_interpreter(0));
    std::string where;
    // Quotients and roots of the GPU miss by a last bit once in a million.
    EXPECT_LE(harness::worst_error(on_gpu, interpreted, 1e-6, 1e-5, &where), 1) << where << "\n" << m.plan_text;
  }

  static CudaDevice* device;
  static std::string why;
};
CudaDevice* Gpu::device = nullptr;
std::string Gpu::why;

TEST_P(Gpu, TrainingRunsAsTheInterpreterDoes) {
  for (const Model& model : models()) {
    const Program program = train(model, {.samples = 17, .batch = 8});
    for (const int64_t members : {1, 3, 37})
      expect_as_interpreted(compile_for(program.graph, members), program.graph,
                            harness::random_inputs(program.graph, members, 5), 4);
  }
}

TEST_P(Gpu, EveryOpRunsAsTheInterpreterDoes) {
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::layer && info.kind != OpKind::activation && info.kind != OpKind::loss) continue;
    for (const OpSample& sample : info.samples()) {
      const Graph graph =
          dce(cse(fold(info.kind == OpKind::loss
                           ? test::loss_graph(dynamic_cast<const Loss&>(*sample.op), sample.inputs.at(0), 5).graph
                           : test::layer_graph(dynamic_cast<const Layer&>(*sample.op), sample.inputs, 5).graph)));
      SCOPED_TRACE(sample.op->text());
      expect_as_interpreted(compile_for(graph, 3), graph, harness::random_inputs(graph, 3, 12), 1);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Mappings, Gpu, testing::ValuesIn(harness::cuda_mappings()),
                         [](const auto& mapping) { return mapping.param.name; });

// A strided view into the layout of a program and back: every element at its place, nothing beside it touched.
TEST(GpuViews, StridedViewsGoIntoLayoutsAndBack) {
  std::unique_ptr<CudaDevice> device;
  try {
    device = std::make_unique<CudaDevice>();
  } catch (const RuntimeError& error) {
    GTEST_SKIP() << error.what();
  }
  using namespace runtime;
  const ArgumentLayout layout{
      .dtype = DType::i32, .per_member = true, .members = 37, .padded = 64, .samples = 2, .units = 3, .block = 32};
  const StridedView view{0, {37, 2, 3}, {11, 4, 1}};
  std::vector<int32_t> outside(static_cast<size_t>(view.bytes() / 4)), back(outside.size(), -1);
  for (size_t i = 0; i < outside.size(); ++i) outside[i] = static_cast<int32_t>(i);
  const auto from = device->allocate(view.bytes()), packed = device->allocate(layout.bytes()),
             to = device->allocate(view.bytes());
  from->write(outside.data(), view.bytes());
  to->write(back.data(), view.bytes());
  device->load(strided_copy(device->target(), layout, view, CopyDirection::into_layout))
      ->launch({from.get(), packed.get()}, {});
  device->load(strided_copy(device->target(), layout, view, CopyDirection::out_of_layout))
      ->launch({to.get(), packed.get()}, {});
  to->read(back.data(), view.bytes());
  std::vector<int32_t> inside(static_cast<size_t>(layout.elements()));
  packed->read(inside.data(), layout.bytes());
  std::vector<int32_t> expected(back.size(), -1);
  for (int64_t m = 0; m < 37; ++m)
    for (int64_t s = 0; s < 2; ++s)
      for (int64_t u = 0; u < 3; ++u) {
        const int64_t at = m * 11 + s * 4 + u;
        expected[static_cast<size_t>(at)] = outside[static_cast<size_t>(at)];
        EXPECT_EQ(inside[static_cast<size_t>(m / 32 * 6 * 32 + (s * 3 + u) * 32 + m % 32)], static_cast<int32_t>(at));
      }
  EXPECT_EQ(back, expected);
}

}  // namespace
}  // namespace shoal::cuda
