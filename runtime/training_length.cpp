// The arithmetic of epochs, steps and reports. It depends on nothing measured, so that histories can be compared.
#include "runtime/training_length.h"

#include <algorithm>

#include "compiler/support/error.h"

namespace shoal::runtime {
namespace {

int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

int64_t unmeasured_steps(double flops_of_step, double seconds) {
  constexpr double most = 16, slow = 1e11;
  return static_cast<int64_t>(std::clamp(seconds * slow / std::max(flops_of_step, 1.0), 1.0, most));
}

int64_t TrainingLength::next_report(int64_t step) const { return std::min(total, (step / period + 1) * period); }

TrainingLength training_length(int64_t samples, int64_t batch, int64_t epochs, int64_t steps, int64_t report_every) {
  if (batch < 1 || batch > samples)
    throw SpecError("/training/batch",
                    fmt::format("expected a batch of 1 to {} (the training samples), got {}", samples, batch));
  TrainingLength length;
  length.steps_per_epoch = std::max<int64_t>(1, samples / batch);
  constexpr int64_t most = (int64_t{1} << 31) - 1;
  if (epochs < 0 || steps < 0 || (epochs == 0 && steps == 0))
    throw SpecError("/training", "expected a positive number of epochs or steps");
  if (steps == 0 && epochs > most / length.steps_per_epoch)
    throw SpecError("/training/epochs",
                    fmt::format("expected fewer than 2^31 steps, got {} epochs of {}", epochs, length.steps_per_epoch));
  if (steps > most) throw SpecError("/training/steps", fmt::format("expected fewer than 2^31 steps, got {}", steps));
  length.total = steps > 0 ? steps : epochs * length.steps_per_epoch;
  if (report_every <= 0) {
    const int64_t all = ceiling(length.total, length.steps_per_epoch);
    report_every = std::max(ceiling(all, 1000), std::min(ceiling(64, length.steps_per_epoch), ceiling(all, 20)));
  }
  length.period = std::min(length.total, report_every * length.steps_per_epoch);
  return length;
}

}  // namespace shoal::runtime
