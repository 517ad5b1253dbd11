// Every op's samples, forward and gradients, under every schedule: interpreter with race detection, and compiled CPU
// code.
#include <gtest/gtest.h>

#include "runtime/cpu/cpu_device.h"
#include "tests/harness/mappings.h"
#include "tests/harness/run_module.h"
#include "tests/ops/op_harness.h"

namespace shoal {
namespace {

struct Size {
  int64_t batch, members;
};

// Awkward sizes; and for teams, whose threads wait for each other less often where samples divide among them, one that
// does.
std::vector<Size> sizes_for(const harness::Mapping& mapping, Size awkward) {
  std::vector<Size> sizes = {{1, 1}, awkward};
  if (mapping.name.starts_with("team")) sizes.push_back({16, 2});
  return sizes;
}

// Rounding of f32: the samples' sums have at most a few hundred terms of about unit size, so 1e-5 is a hundred
// roundings.
constexpr double atol = 2e-5, rtol = 2e-5;

class OpSchedules : public testing::TestWithParam<harness::Mapping> {};

TEST_P(OpSchedules, InterpreterAgreesWithTheEvaluator) {
  const harness::Mapping& mapping = GetParam();
  int count = 0;
  for (Size size : sizes_for(mapping, {7, 3})) {
    for (const test::OpCase& c : test::op_cases(size.batch)) {
      Evaluation e = harness::random_inputs(c.graph, size.members, 11);
      Module m = compile(c.graph, harness::target_for(mapping),
                         {.members = size.members, .schedule = harness::schedule_for(mapping, c.graph)});
      auto got = harness::run_module(m, c.graph, e, 1, harness::in_interpreter(static_cast<uint64_t>(++count)));
      std::string where;
      double error = harness::worst_error(got, harness::run_reference(c.graph, e, 1), atol, rtol, &where);
      EXPECT_LE(error, 1) << c.name << " batch " << size.batch << " members " << size.members << ": " << where
                          << "\nrerun: test_schedules "
                          << "--gtest_filter='*" << mapping.name << "*'\n"
                          << m.plan_text;
    }
  }
  RecordProperty("cases", count);
}

TEST_P(OpSchedules, CompiledCpuCodeAgreesBitwiseWithTheInterpreter) {
  const harness::Mapping& mapping = GetParam();
  if (!mapping.cpu) GTEST_SKIP() << "no GPU here; see tests/cuda for emitted CUDA";
  cpu::CpuDevice device(2);
  for (Size size : sizes_for(mapping, {5, 20})) {
    for (const test::OpCase& c : test::op_cases(size.batch)) {
      Evaluation e = harness::random_inputs(c.graph, size.members, 12);
      Module m = compile(c.graph, device.target(),
                         {.members = size.members, .schedule = harness::schedule_for(mapping, c.graph)});
      auto compiled = harness::run_module(m, c.graph, e, 1, harness::on_device(device));
      auto interpreted = harness::run_module(m, c.graph, e, 1, harness::in_interpreter(0));
      std::string where;
      EXPECT_EQ(harness::worst_error(compiled, interpreted, 1e-300, 0, &where), 0) << c.name << ": " << where;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Mappings, OpSchedules, testing::ValuesIn(harness::all_mappings()),
                         [](const auto& p) { return p.param.name; });

// A thousand members at once, compiled, under the schedule that choose takes.
TEST(OpSchedules, ManyMembersUnderTheChosenSchedule) {
  cpu::CpuDevice device(2);
  for (const test::OpCase& c : test::op_cases(3)) {
    Evaluation e = harness::random_inputs(c.graph, 1000, 13);
    Module m = compile(c.graph, device.target(), {.members = 1000, .schedule = ""});
    std::string where;
    EXPECT_LE(harness::worst_error(harness::run_module(m, c.graph, e, 1, harness::on_device(device)),
                                   harness::run_reference(c.graph, e, 1), atol, rtol, &where),
              1)
        << c.name << ": " << where;
  }
}

}  // namespace
}  // namespace shoal
