// Trained weights after several steps against PyTorch's (tests/reference/torch_train.py), by kernels under every
// schedule.
#include <gtest/gtest.h>

#include "runtime/cpu/cpu_device.h"
#include "tests/harness/mappings.h"
#include "tests/harness/run_module.h"
#include "tests/programs/model_json.h"

namespace shoal::test {
namespace {

class TorchKernels : public testing::TestWithParam<harness::Mapping> {};

TEST_P(TorchKernels, TrainedWeightsAgree) {
  const harness::Mapping& mapping = GetParam();
  cpu::CpuDevice device(2);
  for (const json& c : load_reference("torch_train.json")) {
    const Model model = model_from_json(c);
    const int64_t steps = c["steps"], members = c["members"];
    const Program program = train(model, {.samples = c["samples"], .batch = c["batch"], .explicit_steps = steps});
    Evaluation e = harness::random_inputs(program.graph, members, 1);  // states start at zero
    auto doubles = [](const json& list) { return Array{list.get<std::vector<double>>()}; };
    e.inputs["data.x"] = doubles(c["data_x"]);
    e.inputs["data.y"] = doubles(c["data_y"]);
    e.inputs["order"] = doubles(c["order"]);
    for (const auto& [name, values] : c["initial"].items()) e.inputs[name] = doubles(values);
    for (const auto& [name, values] : c["vary"].items()) e.inputs[name] = doubles(values);
    Module m = compile(program.graph, mapping.cpu ? device.target() : harness::target_for(mapping),
                       {.members = members, .schedule = harness::schedule_for(mapping, program.graph)});
    auto got = harness::run_module(m, program.graph, e, static_cast<int>(steps),
                                   mapping.cpu ? harness::on_device(device) : harness::in_interpreter(3));
    std::map<std::string, Array> expected, trained;
    for (const Output& output : program.graph.outputs) {
      const std::string& state = program.graph[output.state].attrs.name;
      if (!c["final"].contains(state)) continue;
      expected[state] = doubles(c["final"][state]);
      trained[state] = got.at(output.name);
    }
    ASSERT_EQ(expected.size(), c["final"].size());
    std::string where;
    // The bound for f32 kernels: 1e-5 relative; 2e-6 absolute for weights that pass near zero.
    EXPECT_LE(harness::worst_error(trained, expected, 2e-6, 1e-5, &where), 1) << c["name"] << ": " << where;
  }
}

INSTANTIATE_TEST_SUITE_P(Mappings, TorchKernels, testing::ValuesIn(harness::all_mappings()),
                         [](const auto& p) { return p.param.name; });

}  // namespace
}  // namespace shoal::test
