// Launching the forward program over a data set, a fixed number of samples at a time.
#include "runtime/prediction.h"

#include <algorithm>
#include <vector>

#include "compiler/support/error.h"

namespace shoal::runtime {
namespace {

constexpr int64_t most_samples = 256;                    // beyond it a launch gains nothing
constexpr int64_t moderate_outputs = int64_t{16} << 20;  // elements of all members

int64_t chosen_batch(int64_t members, int64_t units, int64_t samples) {
  const int64_t affordable = moderate_outputs / std::max<int64_t>(1, members * units);
  return std::clamp<int64_t>(std::min(affordable, most_samples), 1, std::max<int64_t>(1, samples));
}

}  // namespace

Predictor::Predictor(Population& population, const Model& model, int64_t samples, const std::string& schedule,
                     int64_t batch, Trace* trace)
    : program_(
          population,
          forward(model,
                  batch > 0 ? batch
                            : chosen_batch(population.members(), element_count(output_shape(model.network)), samples),
                  false, trace),
          schedule, trace),
      members_(population.members()),
      batch_(program_.program().graph.batch),
      units_(element_count(output_shape(model.network))) {}

void Predictor::run(const Dataset& data, const Consumer& consumer) {
  const int64_t inputs = element_count(data.input);
  std::vector<float> x(static_cast<size_t>(batch_ * inputs));
  for (int64_t first = 0; first < data.samples; first += batch_) {
    const int64_t count = std::min(batch_, data.samples - first);
    std::copy_n(data.x.begin() + first * inputs, count * inputs, x.begin());
    std::fill(x.begin() + count * inputs, x.end(), 0.0f);
    program_.array("x").write<float>(x);
    program_.launch();
    std::vector<float> y = program_.array("y").read<float>();
    if (count < batch_) {
      for (int64_t member = 1; member < members_; ++member)
        std::copy_n(y.begin() + member * batch_ * units_, count * units_, y.begin() + member * count * units_);
      y.resize(static_cast<size_t>(members_ * count * units_));
    }
    consumer(first, count, y);
  }
}

}  // namespace shoal::runtime
