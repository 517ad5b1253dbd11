// The loop of a training run: launches between reports, and what a report reads back.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "compiler/support/error.h"
#include "runtime/training.h"

namespace shoal::runtime {
int64_t Training::next_launch_steps() const {
  const int64_t to_report = length_.next_report(step_) - step_;
  if (settings_.steps_per_launch > 0) return std::min(to_report, settings_.steps_per_launch);
  if (seconds_per_step_ <= 0)
    return std::min(to_report, unmeasured_steps(program_->module().per_step.flops, settings_.launch_seconds));
  const double affordable = settings_.launch_seconds / seconds_per_step_;
  return affordable >= static_cast<double>(to_report) ? to_report
                                                      : std::max<int64_t>(1, static_cast<int64_t>(affordable));
}

bool Training::run(TrainingObserver& observer, const std::atomic<bool>* stop) {
  while (step_ < length_.total) {
    if (stop && stop->load(std::memory_order_relaxed)) return false;
    // The sums go on through all launches of a period, so that its length in launches does not change their rounding.
    if (step_ == period_start_)
      for (const std::string& name : score_names(model_)) population_.array(name + "_sum").write_zeros();
    const int64_t steps = next_launch_steps();
    const auto start = std::chrono::steady_clock::now();
    program_->launch(steps, step_);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    training_seconds_ += seconds;
    seconds_per_step_ = std::max(seconds, 1e-9) / static_cast<double>(steps);
    const bool due = step_ + steps == length_.next_report(step_);
    step_ += steps;
    observer.launched(step_, length_.total);
    if (due) {
      report();
      observer.reported(history_);
    }
  }
  return true;
}

void Training::report() {
  const auto steps = static_cast<double>(step_ - period_start_);
  last_scores_.values.clear();
  for (const std::string& name : score_names(model_)) {
    std::vector<float> means = population_.array(name + "_sum").read<float>();
    for (float& value : means) value = static_cast<float>(static_cast<double>(value) / steps);
    last_scores_.values.push_back(std::move(means));
  }
  if (evaluator_)
    for (std::vector<float>& values : evaluator_->run().values) last_scores_.values.push_back(std::move(values));

  HistoryRow row;
  row.step = step_;
  row.epoch = static_cast<double>(step_) / static_cast<double>(length_.steps_per_epoch);
  const std::vector<float>& loss = last_scores_.values.front();
  for (size_t member = 0; member < loss.size(); ++member) {
    if (!std::isfinite(loss[member]) && diverged_at_[member] < 0) diverged_at_[member] = static_cast<int32_t>(step_);
    row.diverged += diverged_at_[member] >= 0;
  }
  for (const std::vector<float>& values : last_scores_.values) row.values.push_back(quantiles(values));
  history_.rows.push_back(std::move(row));
  period_start_ = step_;
}

}  // namespace shoal::runtime
