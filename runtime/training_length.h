// How long a training run is: steps of an epoch, of the whole, and between two rows of the history.
#pragma once

#include <cstdint>

namespace shoal::runtime {

struct TrainingLength {
  int64_t steps_per_epoch = 1;
  int64_t total = 0;   // steps
  int64_t period = 1;  // steps between reports
  // The first step after `step` at which a report is due: the end of a period, or of training.
  int64_t next_report(int64_t step) const;
};

// `steps` 0: epochs count. `report_every` (epochs) 0: every epoch, but not so often that reports cost more than
// training (at least 64 steps apart, as long as there are 20 of them), and at most 1000 times.
TrainingLength training_length(int64_t samples, int64_t batch, int64_t epochs, int64_t steps, int64_t report_every);

// Steps of a launch before anything is known of the speed: few, so that it is measured soon, and fewer where a device
// of 100 GFLOP/s, a hundredth of what GPUs do, would take more than `seconds` for them. Drivers that show a picture end
// launches of more than about two.
int64_t unmeasured_steps(double flops_of_step, double seconds);

}  // namespace shoal::runtime
