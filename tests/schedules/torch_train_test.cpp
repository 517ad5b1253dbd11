// Trained weights after several steps against PyTorch's (tests/reference/torch_train.py), by kernels under every
// schedule.
#include <gtest/gtest.h>

#include "runtime/cpu/cpu_device.h"
#include "tests/programs/torch_training.h"

namespace shoal::test {
namespace {

class TorchKernels : public testing::TestWithParam<harness::Mapping> {};

TEST_P(TorchKernels, TrainedWeightsAgree) {
  const harness::Mapping& mapping = GetParam();
  cpu::CpuDevice device(2);
  for (const json& c : load_reference("torch_train.json")) {
    const Trained trained = train_as_torch(c, mapping, mapping.cpu ? device.target() : harness::target_for(mapping),
                                           mapping.cpu ? harness::on_device(device) : harness::in_interpreter(3));
    std::string where;
    EXPECT_LE(harness::worst_error(trained.got, trained.expected, torch_atol, torch_rtol, &where), 1)
        << c["name"] << ": " << where;
  }
}

INSTANTIATE_TEST_SUITE_P(Mappings, TorchKernels, testing::ValuesIn(harness::all_mappings()),
                         [](const auto& p) { return p.param.name; });

}  // namespace
}  // namespace shoal::test
