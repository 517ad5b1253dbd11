// Exported device functions in a kernel of a user's own, two warps a block with a group each: emulated, they compute
// bitwise what the interpreter does, and NVRTC takes them for every architecture in use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/support/error.h"
#include "runtime/cuda/architectures.h"
#include "runtime/cuda/nvrtc.h"
#include "runtime/device_header.h"
#include "tests/emulate/emulate.h"
#include "tests/harness/run_module.h"
#include "tests/programs/model_json.h"

namespace shoal::runtime {
namespace {

using testing::HasSubstr;

struct Case {
  std::string name, input, layers, loss, optimizer, schedule;
};

Model model_of(const Case& c) {
  Model model;
  model.network = test::network_from_json(c.input.c_str(), c.layers.c_str());
  model.loss = test::loss_from_json(test::json::parse(c.loss));
  model.optimizer = test::optimizer_from_json(test::json::parse(c.optimizer));
  return model;
}

constexpr const char* xor_layers = R"([{"dense":{"units":8}},{"tanh":{}},{"dense":{"units":1}}])";
constexpr const char* mlp_layers = R"([{"dense":{"units":12}},{"relu":{}},{"dense":{"units":5}}])";

std::vector<Case> cases() {
  const char *mse = R"({"mse":{}})", *labels = R"({"cross_entropy":{}})", *sgd = R"({"sgd":{"lr":0.1}})",
             *adam = R"({"adam":{"lr":0.01}})";
  return {{"thread_a_member", "[2]", xor_layers, mse, sgd, "member=group,lane tile=2x2"},
          {"warp_a_member", "[6]", mlp_layers, labels, adam, "member=group sample=lane*4 unit=lane*8 tile=2x2"},
          {"chosen", "[6]", mlp_layers, mse, adam, ""}};
}

class DeviceFunctions : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const Model model = model_of(GetParam());
    const Target target = cuda::cuda_target(80);
    Options options;
    options.members = members;
    options.schedule = GetParam().schedule;
    for (Program program : {forward(model, 1, true), train(model, {.samples = 11, .batch = 4})}) {
      Module module = compile_for_one_warp(program.graph, target, options);
      functions.push_back({std::move(program), std::move(module)});
    }
    header = device_header("net", functions);
  }

  // A kernel of two warps a block around one of the functions; its arguments are the module's, and the number of
  // groups.
  std::string kernel_around(const DeviceFunction& function) const {
    const Module& m = function.module;
    std::string parameters, arguments;
    for (const kernel::Buffer& buffer : m.kernel.buffers) {
      if (buffer.space != kernel::Space::global) continue;
      parameters += fmt::format("{}{}* {}, ", buffer.written ? "" : "const ",
                                buffer.type == kernel::Type::i32 ? "int" : "float", buffer.name);
      arguments += buffer.name + ", ";
    }
    for (const std::string& scalar : m.scalars) {
      parameters += fmt::format("int {}, ", scalar);
      arguments += scalar + ", ";
    }
    const int64_t arena = (m.kernel.shared_elements + 3) / 4;
    return header + fmt::format(
                        "extern \"C\" __global__ void around({}int groups) {{\n"
                        "  extern __shared__ float4 shoal_arena[];\n"
                        "  const int warp = (int)threadIdx.x / 32, group = (int)blockIdx.x * 2 + warp;\n"
                        "  if (group < groups) net_{}({}group, (int)threadIdx.x % 32{});\n}}\n",
                        parameters, program_kind_name(function.program.kind), arguments,
                        arena ? fmt::format(", shoal_arena + warp * {}", arena) : "");
  }

  static constexpr int64_t members = 37;
  std::vector<DeviceFunction> functions;
  std::string header;
};

TEST_P(DeviceFunctions, ComputeWhatTheInterpreterDoes) {
  for (const DeviceFunction& function : functions) {
    const Module& m = function.module;
    const auto emulated = [&](const Module&, std::vector<harness::Words>& words, const std::vector<int32_t>& scalars) {
      std::vector<emulate::Argument> arguments;
      for (size_t i = 0; i < words.size(); i++) arguments.push_back(emulate::buffer(m.arguments[i].name, words[i]));
      for (const int32_t value : scalars) arguments.push_back(emulate::scalar(value));
      arguments.push_back(emulate::scalar(static_cast<int32_t>(m.groups)));
      emulate::Program program = emulate::compile(kernel_around(function), "around");
      const auto report = program.launch(static_cast<int>((m.groups + 1) / 2), 64,
                                         2 * ((m.kernel.shared_elements + 3) / 4) * 16, arguments, 2);
      EXPECT_TRUE(report.clean()) << report.text();
    };
    const Evaluation e = harness::random_inputs(function.program.graph, members, 5);
    const auto got = harness::run_module(m, function.program.graph, e, 3, emulated);
    const auto expected = harness::run_module(m, function.program.graph, e, 3, harness::in_interpreter(0));
    std::string where;
    EXPECT_EQ(harness::worst_error(got, expected, 1e-300, 0, &where), 0) << where;
  }
}

TEST_P(DeviceFunctions, NvrtcTakesThem) {
  std::unique_ptr<cuda::Nvrtc> nvrtc;
  try {
    nvrtc = std::make_unique<cuda::Nvrtc>();
  } catch (const RuntimeError& error) {
    GTEST_SKIP() << error.what();
  }
  for (const DeviceFunction& function : functions)
    for (const int sm : {80, 90, 120}) EXPECT_FALSE(nvrtc->compile(kernel_around(function), sm).bytes.empty());
}

TEST_P(DeviceFunctions, TheHeaderSaysHowToCallThem) {
  EXPECT_THAT(header, HasSubstr("// net_forward: the outputs of the members of one group\n//   net_forward(x, "));
  EXPECT_THAT(header, HasSubstr("p0_weight: parameter 0.weight, float[members]"));
  EXPECT_THAT(header, HasSubstr("__device__ __forceinline__ void net_train("));
  EXPECT_THAT(header, Not(HasSubstr("__syncthreads")));
}

INSTANTIATE_TEST_SUITE_P(Cases, DeviceFunctions, testing::ValuesIn(cases()),
                         [](const auto& one) { return one.param.name; });

TEST(DeviceFunction, WhatCannotServeIsNamed) {
  const Case c = cases()[1];
  const Graph graph = forward(model_of(c), 1, true).graph;
  Options options;
  options.members = 4;
  options.schedule = "member=group sample=warp*2,lane*4 unit=lane*8";
  try {
    compile_for_one_warp(graph, cuda::cuda_target(80), options);
    FAIL() << "compiled";
  } catch (const SpecError& error) {
    EXPECT_THAT(error.what(), HasSubstr("has 2 warps; a device function is called by one"));
  }
  EXPECT_THROW(compile_for_one_warp(graph, Target{}, options), SpecError);
  EXPECT_THROW(device_header("two words", {}), SpecError);
}

}  // namespace
}  // namespace shoal::runtime
