// Who runs the groups of a launch: the pool's own threads, or the job system of the host program.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "runtime/job_system.h"

namespace shoal::cpu {

// Denormals are flushed to zero in whatever runs here, and the thread's own mode comes back afterwards: denormal Adam
// moments made a training step 3 times slower.
class Workers {
 public:
  virtual ~Workers() = default;
  virtual int workers() const = 0;  // that run at once, at most; at least 1
  // Calls task(item) once for each item in [0, n), possibly at once, and returns when all are done. The first exception
  // of a task is thrown here, and items that have not started by then are left out. May be called from several threads;
  // a call from within a task is not allowed.
  virtual void run_each(int64_t n, const std::function<void(int64_t item)>& task) = 0;
  // Calls task(thread) for each thread in [0, threads), all of them at the same time, so that they may wait for each
  // other. `task` must not throw. May be called as run_each; throws RuntimeError when there cannot be that many
  // threads.
  virtual void run_together(int threads, const std::function<void(int thread)>& task) = 0;
  // Whether run_together may be called.
  virtual bool can_run_together() const = 0;
};

// `threads` of our own, the caller among them; or, with jobs.parallel_for set, none: the host's threads run each item,
// and whether two of them run at the same time is the host's affair, so run_together is not to be had.
std::unique_ptr<Workers> make_workers(int threads, const JobSystem& jobs);

}  // namespace shoal::cpu
