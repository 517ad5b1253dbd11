// The levels of x86-64 below and above the usual one, and vectors of half a level's width: networks as this machine
// runs them with the features of the level.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "compiler/support/error.h"
#include "runtime/cpu/cpu_device.h"
#include "tests/isa/networks.h"

namespace shoal::test {
namespace {

struct Case {
  std::string name, level;
  harness::Mapping mapping;
};

// The mapping with that many lanes where it leaves the number to the target.
harness::Mapping with_lanes(harness::Mapping mapping, int lanes) {
  const size_t end = mapping.schedule.find("lane") + std::string_view("lane").size();
  mapping.schedule.insert(end, fmt::format("*{}", lanes));
  return mapping;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const harness::Mapping& mapping : isa_mappings()) {
    all.push_back({"sse2", "x86-64", mapping});
    all.push_back({"avx512", "x86-64-v4", mapping});
    all.push_back({"half_avx2", "x86-64-v3", with_lanes(mapping, 4)});
    all.push_back({"half_avx512", "x86-64-v4", with_lanes(mapping, 8)});
  }
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
  return fmt::format("{}_{}", info.param.name, info.param.mapping.name);
}
INSTANTIATE_TEST_SUITE_P(Levels, X86, testing::ValuesIn(cases()), name_of);

}  // namespace
}  // namespace shoal::test
