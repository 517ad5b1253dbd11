// The groups of a launch as workers take them: most of them whole, the last ones in slices of their steps.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

namespace shoal::cpu {

// Steps [step, step + steps) of the groups [first, last).
struct GroupWork {
  int64_t first = 0, last = 0;
  int64_t step = 0, steps = 0;
};

// Nine groups of K steps take two workers five groups' time when each group stays with one worker. Cut into slices of
// K/8 steps that the workers take in turn they take little more than four and a half: the steps of a group run one
// after another, but not all in one worker.
class GroupQueue {
 public:
  // `steps` of the launch; 1 for programs without steps.
  GroupQueue(int64_t groups, int64_t steps, int workers);
  // The next work of a worker; none when all that is left is being worked on by others.
  std::optional<GroupWork> next();
  // To be called when the work is done, before next(): what is left of its steps goes back.
  void done(const GroupWork&);

 private:
  std::mutex mutex_;
  const int64_t steps_, workers_;
  int64_t whole_, slice_;  // groups [0, whole_) run whole, several at a time
  int64_t next_ = 0;
  std::deque<GroupWork> slices_;
};

}  // namespace shoal::cpu
