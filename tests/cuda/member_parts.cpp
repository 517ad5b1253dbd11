// A population larger than the fake GPU's memory is trained in parts of its members, bit for bit as on a larger GPU.
#include "runtime/training.h"
#include "tests/cuda/fake_device.h"
#include "tests/runtime/small_models.h"

namespace shoal::cuda {
namespace {

std::vector<io::NamedTensor> trained_on(CudaDevice& device, std::string* why) {
  const Model model = test::linear_model();
  runtime::TrainingSettings settings;
  settings.members = 50;
  settings.seed = 3;
  settings.batch = 4;
  settings.steps = 6;
  settings.steps_per_launch = 3;
  settings.schedule = "member=group sample=lane*4 unit=lane*8 tile=2x2";
  runtime::Training training(device, model, test::lattice(model, 20), nullptr, settings);
  runtime::TrainingObserver quiet;
  EXPECT_TRUE(training.run(quiet));
  *why = training.program().module().why;
  return training.parameters();
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST_F(FakeDevice, APopulationLargerThanItsMemoryIsTrainedInParts) {
  fake.set_checked(false);
  std::string why;
  int launches = 0;
  std::vector<io::NamedTensor> whole;
  {
    CudaDevice device(options);
    whole = trained_on(device, &why);
    EXPECT_THAT(why, Not(HasSubstr("at a time")));
    launches = count(fake.log(), "run launch");
  }
  fake.reset();
  fake.set_memory(1200);
  CudaDevice device(options);
  const std::vector<io::NamedTensor> parts = trained_on(device, &why);
  EXPECT_THAT(why, HasSubstr("50 members do not fit on the device: they run from host memory, "));
  EXPECT_GT(count(fake.log(), "run launch"), launches);
  ASSERT_EQ(parts.size(), whole.size());
  for (size_t i = 0; i < parts.size(); ++i) EXPECT_EQ(parts[i].tensor.bytes, whole[i].tensor.bytes) << parts[i].name;
}

}  // namespace
}  // namespace shoal::cuda
