// Progress: how training goes, as a line that rewrites itself on a terminal, or as plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "runtime/training.h"

namespace shoal::runtime {

std::string duration_text(double seconds);  // "0.4 s", "1:05", "2:10:00"
std::string rate_text(double per_second);   // "1.23 M", "512"

// One line: "epoch 3/20  train_loss 0.31 [0.2 0.5]  validation_accuracy 0.91 [...]": median, 5 % and 95 % quantile.
std::string report_line(const History&, const TrainingLength&);

class ProgressLine : public TrainingObserver {
 public:
  // `terminal`: rewrite one line. Otherwise a line a report, at most one every two seconds, but always the last one.
  ProgressLine(std::FILE* stream, bool terminal, const TrainingLength&, int64_t members);
  void launched(int64_t step, int64_t total) override;
  void reported(const History&) override;
  void finish();  // ends the line

 private:
  using Clock = std::chrono::steady_clock;
  void show(const std::string& text);

  std::FILE* stream_;
  bool terminal_;
  TrainingLength length_;
  int64_t members_, first_step_ = -1, step_ = 0;
  Clock::time_point start_, shown_;
  std::string last_report_;
  size_t width_ = 0;
};

}  // namespace shoal::runtime
