// What training computes beside training: lengths, quantiles, the best member, varied hyperparameters.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "compiler/support/error.h"
#include "runtime/training_history.h"
#include "runtime/training_length.h"
#include "runtime/training_vary.h"

namespace shoal::runtime {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

TEST(TrainingLength, CountsEpochsWithoutTheRemainder) {
  const TrainingLength length = training_length(1437, 32, 20, 0, 1);
  EXPECT_EQ(length.steps_per_epoch, 44);
  EXPECT_EQ(length.total, 880);
  EXPECT_EQ(length.next_report(0), 44);
  EXPECT_EQ(length.next_report(44), 88);
  EXPECT_EQ(length.next_report(879), 880);
}

TEST(TrainingLength, ReportsLessOftenWhenEpochsAreTiny) {
  const TrainingLength tiny = training_length(4, 4, 0, 2000, 0);
  EXPECT_EQ(tiny.period, 64);
  EXPECT_EQ(tiny.next_report(1984), 2000);  // the last report is due at the end
  EXPECT_EQ(training_length(4, 4, 0, 100, 0).period, 5);
  EXPECT_EQ(training_length(3200, 32, 10, 0, 0).period, 100);
}

TEST(TrainingLength, UnmeasuredLaunchesAreShort) {
  EXPECT_EQ(unmeasured_steps(1e6, 0.5), 16);
  EXPECT_EQ(unmeasured_steps(1e10, 0.5), 5);
  EXPECT_EQ(unmeasured_steps(1e15, 0.5), 1);
  EXPECT_EQ(unmeasured_steps(0, 0.5), 16);
}

TEST(TrainingLength, RefusesWhatCannotBeRun) {
  EXPECT_THROW(training_length(10, 11, 1, 0, 0), SpecError);
  EXPECT_THROW(training_length(10, 0, 1, 0, 0), SpecError);
  EXPECT_THROW(training_length(10, 1, 0, 0, 0), SpecError);
  EXPECT_THROW(training_length(10, 1, int64_t{1} << 40, 0, 0), SpecError);
}

TEST(Quantiles, InterpolateLikeNumpyAndLeaveOutWhatIsNotFinite) {
  const std::vector<float> values{4, nan, 1, 3, 2, INFINITY};
  const Quantiles q = quantiles(values);  // numpy.quantile([1, 2, 3, 4], levels)
  EXPECT_EQ(q[0], 1);
  EXPECT_DOUBLE_EQ(q[1], 1.15);
  EXPECT_DOUBLE_EQ(q[2], 1.75);
  EXPECT_DOUBLE_EQ(q[3], 2.5);
  EXPECT_DOUBLE_EQ(q[4], 3.25);
  EXPECT_DOUBLE_EQ(q[5], 3.85);
  EXPECT_EQ(q[6], 4);
  EXPECT_TRUE(std::isnan(quantiles(std::vector<float>{nan})[3]));
}

TEST(BestMember, IsTheMostAccurateThenTheOneOfLeastLoss) {
  Scores scores;
  scores.names = {"train_loss", "validation_loss", "validation_accuracy"};
  scores.values = {{0, 0, 0, 0}, {nan, 0.5f, 0.4f, 0.1f}, {1, 0.9f, 0.9f, 0.8f}};
  EXPECT_EQ(best_member(scores, "validation_"), 2);
  scores.names[2] = "validation_mae";
  EXPECT_EQ(best_member(scores, "validation_"), 3);
  scores.values[1] = {nan, nan, nan, nan};
  EXPECT_EQ(best_member(scores, "validation_"), -1);
}

TEST(Varied, GridsFormAProductAndMembersKeepTheirValues) {
  using Kind = VariedHyperparameter::Kind;
  const std::vector<VariedHyperparameter> varied{
      {Kind::grid, "a", {1, 2}}, {Kind::log_uniform, "b", {0.001, 0.1}}, {Kind::grid, "c", {10, 20, 30}}};
  const auto values = varied_values(varied, 3, 0, 8);
  EXPECT_EQ(values[0], (std::vector<float>{1, 1, 1, 2, 2, 2, 1, 1}));
  EXPECT_EQ(values[2], (std::vector<float>{10, 20, 30, 10, 20, 30, 10, 20}));
  for (const float v : values[1]) {
    EXPECT_GE(v, 0.001f);
    EXPECT_LE(v, 0.1f);
  }
  const auto part = varied_values(varied, 3, 5, 2);
  EXPECT_EQ(part[0], (std::vector<float>{2, 1}));
  EXPECT_EQ(part[1][0], values[1][5]);
  EXPECT_THROW(varied_values({{Kind::list, "d", {1, 2}}}, 3, 0, 3), SpecError);
}

}  // namespace
}  // namespace shoal::runtime
