// The levels of x86-64 below and above the usual one: networks as this machine runs them with the features of the
// level.
#include <gtest/gtest.h>

#include "compiler/support/error.h"
#include "runtime/cpu/cpu_device.h"
#include "tests/isa/networks.h"

namespace shoal::test {
namespace {

struct Case {
  std::string level;
  harness::Mapping mapping;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* level : {"x86-64", "x86-64-v4"})
    for (const harness::Mapping& mapping : isa_mappings()) all.push_back({level, mapping});
  return all;
}

class X86 : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    try {
      device_ = std::make_unique<cpu::CpuDevice>(cpu::CpuOptions{.threads = 2, .cpu = GetParam().level});
    } catch (const SpecError& error) {
      GTEST_SKIP() << error.what();
    }
  }
  std::unique_ptr<cpu::CpuDevice> device_;
};

TEST_P(X86, OpsAgree) { ops_agree(GetParam().mapping, device_->target(), harness::on_device(*device_)); }
TEST_P(X86, TrainingAgreesWithPyTorch) {
  training_agrees(GetParam().mapping, device_->target(), harness::on_device(*device_));
}
TEST_P(X86, StorageAgrees) { storage_agrees(GetParam().mapping, device_->target(), harness::on_device(*device_)); }

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return (info.param.level == "x86-64" ? "sse2_" : "avx512_") + info.param.mapping.name;
}
INSTANTIATE_TEST_SUITE_P(Levels, X86, testing::ValuesIn(cases()), name_of);

}  // namespace
}  // namespace shoal::test
