// Texts of progress, and when they are shown.
#include "runtime/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace shoal::runtime {
namespace {

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

std::string duration_text(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string rate_text(double per_second) {
  if (per_second >= 1e9) return fmt::format("{:.3g} G", per_second / 1e9);
  if (per_second >= 1e6) return fmt::format("{:.3g} M", per_second / 1e6);
  if (per_second >= 1e3) return fmt::format("{:.3g} k", per_second / 1e3);
  return fmt::format("{:.3g}", per_second);
}

std::string report_line(const History& history, const TrainingLength& length) {
  const HistoryRow& row = history.rows.back();
  std::string line = fmt::format("epoch {:g}/{:g}", row.epoch,
                                 static_cast<double>(length.total) / static_cast<double>(length.steps_per_epoch));
  for (size_t i = 0; i < history.quantities.size(); ++i) {
    const Quantiles& q = row.values[i];
    line += fmt::format("  {} {:.4g} [{:.4g} {:.4g}]", history.quantities[i], q[3], q[1], q[5]);
  }
  if (row.diverged > 0) line += fmt::format("  diverged {}", row.diverged);
  return line;
}

ProgressLine::ProgressLine(std::FILE* stream, bool terminal, const TrainingLength& length, int64_t members)
    : stream_(stream), terminal_(terminal), length_(length), members_(members), start_(Clock::now()), shown_(start_) {}

void ProgressLine::show(const std::string& text) {
  shown_ = Clock::now();
  if (!terminal_) {
    fmt::print(stream_, "{}\n", text);
  } else {
    // Cut to one row of a usual terminal, and padded over what stood there.
    const std::string cut = text.substr(0, 118);
    fmt::print(stream_, "\r{}{}", cut, std::string(width_ > cut.size() ? width_ - cut.size() : 0, ' '));
    width_ = cut.size();
  }
  std::fflush(stream_);
}

void ProgressLine::launched(int64_t step, int64_t total) {
  if (first_step_ < 0) {  // the first launch tells where a resumed run starts, and is not timed
    first_step_ = step;
    start_ = Clock::now();
  }
  step_ = step;
  if (!terminal_ || seconds_since(shown_) < 0.2 || step == first_step_) return;
  const double rate = static_cast<double>(step - first_step_) / std::max(1e-9, seconds_since(start_));
  show(fmt::format("{:3.0f} %  {} member-steps/s  {} left  {}",
                   100.0 * static_cast<double>(step) / static_cast<double>(total),
                   rate_text(rate * static_cast<double>(members_)),
                   duration_text(static_cast<double>(total - step) / rate), last_report_));
}

void ProgressLine::reported(const History& history) {
  last_report_ = report_line(history, length_);
  const bool last = history.rows.back().step == length_.total;
  if (!terminal_ && (last || history.rows.size() == 1 || seconds_since(shown_) >= 2)) show(last_report_);
  if (terminal_ && last) show(last_report_);
}

void ProgressLine::finish() {
  if (terminal_ && width_ > 0) fmt::print(stream_, "\n");
  width_ = 0;
  std::fflush(stream_);
}

}  // namespace shoal::runtime
