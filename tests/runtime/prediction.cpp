// Prediction: outputs, means and votes against sums in double, and the last batch that is not full.
#include "runtime/prediction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/support/error.h"
#include "runtime/devices.h"
#include "tests/runtime/small_models.h"

namespace shoal::runtime {
namespace {

constexpr int64_t members = 5, samples = 11;

// The logits of member m for a sample, from its parameters, in double.
std::vector<double> logits(const std::vector<io::NamedTensor>& weights, size_t m, const float* x) {
  const auto get = [&](const char* name) { return io::to_float(io::array_named(weights, name, "weights"), name); };
  const std::vector<float> w0 = get("0.weight"), b0 = get("0.bias"), w2 = get("2.weight"), b2 = get("2.bias");
  std::vector<double> hidden(5), out(4);
  for (size_t i = 0; i < 5; ++i) {
    hidden[i] = b0[m * 5 + i];
    for (size_t j = 0; j < 3; ++j) hidden[i] += static_cast<double>(w0[(m * 5 + i) * 3 + j]) * x[j];
    hidden[i] = std::tanh(hidden[i]);
  }
  for (size_t i = 0; i < 4; ++i) {
    out[i] = b2[m * 4 + i];
    for (size_t j = 0; j < 5; ++j) out[i] += static_cast<double>(w2[(m * 4 + i) * 5 + j]) * hidden[j];
  }
  return out;
}

class PredictionTest : public testing::Test {
 protected:
  PredictionTest()
      : model(test::classifier()),
        data(test::lattice(model, samples)),
        device(open_device({"", 0, nullptr})),
        population(*device, members),
        predictor(population, model, samples, "", 4) {
    population.initialize(predictor.program().program().parameters, 3);
    weights = population.parameters(predictor.program().program().parameters);
  }
  const Model model;
  const Dataset data;
  std::unique_ptr<Device> device;
  Population population;
  Predictor predictor;
  std::vector<io::NamedTensor> weights;
};

// Two layers of sums of at most 6 terms below 1, and tanh to 1e-6: 1e-5 is generous, and far below any mistake.
constexpr double tolerance = 1e-5;

TEST_F(PredictionTest, EveryMembersOutputForEverySample) {
  const io::Tensor all = predict(predictor, model, members, data, Ensemble::none);
  EXPECT_EQ(all.shape, (Shape{members, samples, 4}));
  const std::vector<float> values = io::to_float(all, "y");
  for (size_t m = 0; m < members; ++m)
    for (size_t s = 0; s < samples; ++s) {
      const std::vector<double> expected = logits(weights, m, &data.x[s * 3]);
      for (size_t u = 0; u < 4; ++u) EXPECT_NEAR(values[(m * samples + s) * 4 + u], expected[u], tolerance);
    }
}

TEST_F(PredictionTest, TheMeanIsOfSoftmaxAndVotesAreCounted) {
  const std::vector<float> mean = io::to_float(predict(predictor, model, members, data, Ensemble::mean), "mean");
  const std::vector<int32_t> vote = io::to_int32(predict(predictor, model, members, data, Ensemble::vote), "vote");
  double loss = 0, right = 0;
  for (size_t s = 0; s < samples; ++s) {
    std::vector<double> expected(4), votes(4);
    for (size_t m = 0; m < members; ++m) {
      const std::vector<double> out = logits(weights, m, &data.x[s * 3]);
      double total = 0;
      for (const double v : out) total += std::exp(v);
      for (size_t u = 0; u < 4; ++u) expected[u] += std::exp(out[u]) / total / members;
      ++votes[static_cast<size_t>(std::max_element(out.begin(), out.end()) - out.begin())];
    }
    for (size_t u = 0; u < 4; ++u) EXPECT_NEAR(mean[s * 4 + u], expected[u], tolerance);
    EXPECT_EQ(votes[static_cast<size_t>(vote[s])], *std::max_element(votes.begin(), votes.end()));
    const auto label = static_cast<size_t>(data.labels[s]);
    loss -= std::log(expected[label]) / samples;
    right +=
        (std::max_element(expected.begin(), expected.end()) - expected.begin() == data.labels[s]) / double{samples};
  }
  const Scores scores = ensemble_scores(model, data, predict(predictor, model, members, data, Ensemble::mean));
  EXPECT_THAT(scores.names, testing::ElementsAre("loss", "accuracy"));
  EXPECT_NEAR(scores.values[0][0], loss, tolerance);
  EXPECT_NEAR(scores.values[1][0], right, 1e-6);  // a share of 11, rounded to f32
}

TEST_F(PredictionTest, AMemberThatIsNotFiniteIsLeftOut) {
  std::vector<io::NamedTensor> broken = weights;
  std::vector<float> bias = io::to_float(io::array_named(broken, "2.bias", ""), "");
  for (size_t u = 0; u < 4; ++u) bias[2 * 4 + u] = std::nanf("");
  for (io::NamedTensor& one : broken)
    if (one.name == "2.bias") one.tensor = io::make_tensor({members, 4}, bias);
  population.set_parameters(predictor.program().program().parameters, broken, "broken");
  const std::vector<float> mean = io::to_float(predict(predictor, model, members, data, Ensemble::mean), "mean");
  for (size_t s = 0; s < samples; ++s) {
    double total = 0;
    for (size_t u = 0; u < 4; ++u) total += mean[s * 4 + u];
    EXPECT_NEAR(total, 1, 1e-6);  // probabilities of the four others
  }
}

TEST(Prediction, VotesNeedClasses) {
  const Model model = test::linear_model();
  const auto device = open_device({"reference", 0, nullptr});
  Population population(*device, 2);
  Predictor predictor(population, model, 3);
  EXPECT_THROW(predict(predictor, model, 2, test::lattice(model, 3), Ensemble::vote), SpecError);
}

}  // namespace
}  // namespace shoal::runtime
