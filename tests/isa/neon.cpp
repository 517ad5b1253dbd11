// NEON: networks as an emulated AArch64 runs them.
#include <gtest/gtest.h>

#include "runtime/cpu/host.h"
#include "tests/isa/arm_machine.h"
#include "tests/isa/networks.h"

namespace shoal::test {
namespace {

harness::Executor on_arm() {
  return [](const Module& m, std::vector<harness::Words>& buffers, const std::vector<int32_t>& scalars) {
    run_on_arm(m.kernel, m.source, buffers, scalars, 0, static_cast<int32_t>(m.groups));
  };
}

class Neon : public testing::TestWithParam<harness::Mapping> {
 protected:
  const Target target_ = cpu::target_for("aarch64");
};

TEST_P(Neon, OpsAgree) { ops_agree(GetParam(), target_, on_arm()); }
TEST_P(Neon, TrainingAgreesWithPyTorch) { training_agrees(GetParam(), target_, on_arm()); }
TEST_P(Neon, StorageAgrees) { storage_agrees(GetParam(), target_, on_arm()); }

INSTANTIATE_TEST_SUITE_P(Mappings, Neon, testing::ValuesIn(isa_mappings()), [](const auto& p) { return p.param.name; });

}  // namespace
}  // namespace shoal::test
