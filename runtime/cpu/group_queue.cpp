// The queue: a counter for the whole groups, first come first served for the slices.
#include "runtime/cpu/group_queue.h"

#include <algorithm>

namespace shoal::cpu {
namespace {
constexpr int64_t slices_of_a_group = 8;
// A worker takes one of so many equal parts of what is left for each worker: long runs of neighbouring groups first,
// and single ones in the end, so that all workers finish within about one group.
constexpr int64_t parts_of_the_rest = 4;
}  // namespace

GroupQueue::GroupQueue(int64_t groups, int64_t steps, int workers)
    : steps_(steps),
      workers_(workers),
      whole_(groups),
      slice_(std::max<int64_t>(1, (steps + slices_of_a_group - 1) / slices_of_a_group)) {
  // In turn, the workers share what does not divide by their number and one group more for each of them.
  if (slice_ < steps && workers > 1) whole_ = std::max<int64_t>(0, groups - groups % workers - workers);
  for (int64_t group = whole_; group < groups; ++group)
    slices_.push_back({group, group + 1, 0, std::min(slice_, steps_)});
}

std::optional<GroupWork> GroupQueue::next() {
  const std::lock_guard lock(mutex_);
  if (next_ < whole_) {
    const int64_t run = std::max<int64_t>(1, (whole_ - next_) / (parts_of_the_rest * workers_));
    const GroupWork work{next_, next_ + run, 0, steps_};
    next_ = work.last;
    return work;
  }
  if (slices_.empty()) return std::nullopt;
  const GroupWork work = slices_.front();
  slices_.pop_front();
  return work;
}

void GroupQueue::done(const GroupWork& work) {
  const int64_t left = steps_ - work.step - work.steps;
  if (left <= 0) return;
  const std::lock_guard lock(mutex_);
  slices_.push_back({work.first, work.last, work.step + work.steps, std::min(slice_, left)});
}

}  // namespace shoal::cpu
