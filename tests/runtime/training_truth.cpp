// Training against closed forms: one step of gradient descent, an explicit order, divergence that stays alone.
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/support/error.h"
#include "runtime/devices.h"
#include "runtime/prediction.h"
#include "runtime/training.h"
#include "tests/runtime/small_models.h"

namespace shoal::runtime {
namespace {

TrainingSettings explicit_settings(const std::vector<int32_t>& order, int64_t members, int64_t steps, int64_t batch) {
  TrainingSettings s;
  s.members = members;
  s.batch = batch;
  s.steps = steps;
  s.order = io::make_tensor({members, steps, batch}, order);
  return s;
}

std::vector<float> weights_of(const Training& training, const std::string& name) {
  return io::to_float(io::array_named(training.parameters(), name, "weights"), name);
}

TEST(TrainingTruth, ExplicitOrderAndStartGiveTheStepsOfGradientDescent) {
  const Model model = test::linear_model(0.1);
  const Dataset data = test::lattice(model, 6);
  const std::vector<int32_t> order{0, 3, 5, 1,   // member 0: two steps of two samples
                                   4, 4, 2, 0};  // member 1
  TrainingSettings s = explicit_settings(order, 2, 2, 2);
  const std::vector<float> start{0.5f, -1.0f, 0.25f, 1.0f, 0.0f, -0.5f}, bias{0.1f, -0.2f};
  s.initial = {{"0.weight", io::make_tensor({2, 1, 3}, start)}, {"0.bias", io::make_tensor({2, 1}, bias)}};
  const auto device = open_device({"reference", 0, nullptr});
  Training training(*device, model, data, nullptr, s);
  TrainingObserver quiet;
  ASSERT_TRUE(training.run(quiet));
  const std::vector<float> w = weights_of(training, "0.weight"), b = weights_of(training, "0.bias");
  for (size_t m = 0; m < 2; ++m) {
    double weight[3] = {start[m * 3], start[m * 3 + 1], start[m * 3 + 2]}, offset = bias[m];
    for (size_t step = 0; step < 2; ++step) {
      double gradient[4] = {};
      for (size_t p = 0; p < 2; ++p) {
        const auto i = static_cast<size_t>(order[(m * 2 + step) * 2 + p]);
        double error = offset - data.targets[i];
        for (size_t u = 0; u < 3; ++u) error += weight[u] * data.x[i * 3 + u];
        for (size_t u = 0; u < 3; ++u) gradient[u] += error * data.x[i * 3 + u];  // 2 error x / batch
        gradient[3] += error;
      }
      for (size_t u = 0; u < 3; ++u) weight[u] -= 0.1 * gradient[u];
      offset -= 0.1 * gradient[3];
    }
    // Two steps of a few f32 operations on numbers near 1: some ulps of 1.2e-7.
    for (size_t u = 0; u < 3; ++u) EXPECT_NEAR(w[m * 3 + u], weight[u], 2e-6) << "member " << m;
    EXPECT_NEAR(b[m], offset, 2e-6);
  }
}

TEST(TrainingTruth, OrdersThatCannotServeAreRefused) {
  const Model model = test::linear_model();
  const Dataset data = test::lattice(model, 6);
  const auto device = open_device({"reference", 0, nullptr});
  EXPECT_THROW(Training(*device, model, data, nullptr, explicit_settings({0, 1, 2, 6}, 1, 2, 2)), SpecError);
  TrainingSettings longer = explicit_settings({0, 1, 2, 3}, 1, 2, 2);
  longer.steps = 3;
  EXPECT_THROW(Training(*device, model, data, nullptr, longer), SpecError);
  longer.members = 2;
  EXPECT_THROW(Training(*device, model, data, nullptr, longer), SpecError);
}

TEST(TrainingTruth, LearnsALinearFunction) {
  const Model model = test::linear_model(0.3);
  const Dataset data = test::lattice(model, 60);
  const auto device = open_device({"", 0, nullptr});
  TrainingSettings s;
  s.members = 5;
  s.seed = 2;
  s.batch = 20;
  s.epochs = 200;
  Training training(*device, model, data, nullptr, s);
  TrainingObserver quiet;
  ASSERT_TRUE(training.run(quiet));
  // Noiseless least squares converges to the exact function; 600 steps leave f32 rounding and e^(-0.05 * 600).
  const std::vector<float> w = weights_of(training, "0.weight"), b = weights_of(training, "0.bias");
  for (size_t m = 0; m < 5; ++m) {
    EXPECT_NEAR(w[m * 3], 2, 1e-2);
    EXPECT_NEAR(w[m * 3 + 1], -3, 1e-2);
    EXPECT_NEAR(w[m * 3 + 2], 1, 1e-2);
    EXPECT_NEAR(b[m], 1, 1e-2);
  }
}

TEST(TrainingTruth, ADivergingMemberIsReportedAndTheOthersGoOn) {
  Model model = test::linear_model();
  const Dataset data = test::lattice(model, 24);
  const auto device = open_device({"", 0, nullptr});
  TrainingSettings s;
  s.members = 9;
  s.batch = 8;
  s.epochs = 60;
  s.report_every = 20;
  s.schedule = "";
  s.varied = {{VariedHyperparameter::Kind::list, "optimizer.lr", {0.1, 0.1, 0.1, 1e6, 0.1, 0.1, 0.1, 0.1, 0.1}}};
  Training training(*device, model, data, nullptr, s);
  TrainingObserver quiet;
  ASSERT_TRUE(training.run(quiet));
  const MemberTable table = training.members();
  for (size_t m = 0; m < 9; ++m) {
    EXPECT_EQ(table.diverged_at[m] >= 0, m == 3) << "member " << m;
    EXPECT_EQ(std::isfinite(table.scores.values[0][m]), m != 3);
  }
  EXPECT_EQ(training.history().rows.back().diverged, 1);
  EXPECT_TRUE(std::isfinite(training.history().rows.back().values[0][6]));  // quantiles leave the lost one out

  Predictor predictor(training.population(), model, data.samples, "", 7);
  const std::vector<float> mean = io::to_float(predict(predictor, model, 9, data, Ensemble::mean), "mean");
  for (const float value : mean) EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace shoal::runtime
