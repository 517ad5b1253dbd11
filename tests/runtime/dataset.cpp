// Datasets: checks against the network, splits, and scaling.
#include "runtime/dataset.h"

#include <gtest/gtest.h>

#include <set>

#include "compiler/support/error.h"
#include "tests/runtime/small_models.h"

namespace shoal::runtime {
namespace {

std::string message(const Model& model, io::Tensor x, std::optional<io::Tensor> y) {
  try {
    make_dataset(model, {"d.npz", std::move(x), std::move(y), {}});
  } catch (const SpecError& error) {
    return error.what();
  }
  return "";
}

io::Tensor floats(Shape shape, float value = 0.5f) {
  return io::make_tensor(shape, std::vector<float>(static_cast<size_t>(element_count(shape)), value));
}

TEST(Dataset, ChecksShapesAndLabels) {
  const Model model = test::classifier();
  const std::vector<int32_t> good{0, 3}, high{0, 4};
  EXPECT_EQ(message(model, floats({2, 3}), io::make_tensor({2}, good)), "");
  EXPECT_EQ(message(model, floats({2, 4}), io::make_tensor({2}, good)),
            "d.npz, x: expected shape [N, 3] (samples, then the network's input), got [2, 4]");
  EXPECT_EQ(message(model, floats({2, 3}), io::make_tensor({2}, high)),
            "d.npz, y: sample 1: expected a label from 0 to 3 (the network has 4 outputs), got 4");
  EXPECT_EQ(message(model, floats({3, 3}), io::make_tensor({2}, good)),
            "d.npz, y: expected one label for each of 3 samples, shape [3], got [2]");
  EXPECT_NE(message(model, floats({2, 3}, NAN), io::make_tensor({2}, good)), "");
  EXPECT_EQ(message(test::linear_model(), floats({2, 3}), floats({2})), "");  // one output may be left out
  EXPECT_EQ(message(test::linear_model(), floats({2, 3}), floats({2, 2})),
            "d.npz, y: expected shape [2, 1] (samples, then the network's output), got [2, 2]");
}

TEST(Dataset, SplitsIntoDisjointPartsByTheSeed) {
  const Model model = test::linear_model();
  Dataset data = test::lattice(model, 20);
  for (int64_t i = 0; i < 20; ++i) data.x[static_cast<size_t>(i * 3)] = static_cast<float>(i);  // marks the sample
  const Split split = split_dataset(data, 0.25, 7);
  EXPECT_EQ(split.validation.samples, 5);
  EXPECT_EQ(split.train.samples, 15);
  std::set<float> seen;
  for (const Dataset* part : {&split.train, &split.validation})
    for (int64_t i = 0; i < part->samples; ++i) {
      const auto sample = static_cast<size_t>(part->x[static_cast<size_t>(i * 3)]);
      seen.insert(static_cast<float>(sample));
      EXPECT_EQ(part->targets[static_cast<size_t>(i)], data.targets[sample]);  // x and y stay together
    }
  EXPECT_EQ(seen.size(), 20u);
  EXPECT_EQ(split_dataset(data, 0.25, 7).validation.x, split.validation.x);
  EXPECT_NE(split_dataset(data, 0.25, 8).validation.x, split.validation.x);
  EXPECT_EQ(split_dataset(data, 0.001, 7).validation.samples, 1);
  EXPECT_EQ(split_dataset(data, 0.999, 7).train.samples, 1);
  EXPECT_THROW(split_dataset(data, 1.5, 7), SpecError);
}

TEST(Dataset, ScalesByTheStatisticsOfTheTrainingPart) {
  Dataset data;
  data.samples = 4;
  data.input = {2};
  data.x = {1, 7, 2, 7, 3, 7, 6, 7};  // the second unit is constant
  const InputScaling standard = fit_scaling(ScalingKind::standard, 1, data);
  // mean 3, variance (4 + 1 + 0 + 9) / 4
  EXPECT_FLOAT_EQ(standard.shift[0], 3);
  EXPECT_FLOAT_EQ(standard.scale[0], std::sqrt(3.5f));
  EXPECT_EQ(standard.scale[1], 1);
  Dataset scaled = data;
  apply_scaling(standard, scaled);
  EXPECT_FLOAT_EQ(scaled.x[6], 3 / std::sqrt(3.5f));
  EXPECT_EQ(scaled.x[7], 0);

  scaled = data;
  apply_scaling(fit_scaling(ScalingKind::minmax, 1, data), scaled);
  EXPECT_EQ(scaled.x, (std::vector<float>{0, 0, 0.2f, 0, 0.4f, 0, 1, 0}));

  scaled = data;
  apply_scaling(fit_scaling(ScalingKind::divide, 16, data), scaled);
  EXPECT_EQ(scaled.x[7], 7.0f / 16);
  EXPECT_THROW(fit_scaling(ScalingKind::divide, 0, data), SpecError);

  Dataset other;
  other.samples = 1;
  other.input = {3};
  other.x = {1, 2, 3};
  EXPECT_THROW(apply_scaling(standard, other), SpecError);
}

}  // namespace
}  // namespace shoal::runtime
