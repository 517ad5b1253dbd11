// Items handed to the host's parallel_for; exceptions stay on this side of it.
#include "runtime/cpu/host_workers.h"

#include <atomic>
#include <exception>

#include "compiler/support/error.h"
#include "runtime/cpu/flush_denormals.h"
#include "runtime/cpu/worker_pool.h"

namespace shoal::cpu {
namespace {

struct Loop {
  explicit Loop(const std::function<void(int64_t)>& one) : task(&one) {}
  const std::function<void(int64_t)>* task;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  std::exception_ptr failure;

  static void run(void* data, int64_t item) {
    auto& loop = *static_cast<Loop*>(data);
    if (loop.failed.load(std::memory_order_relaxed)) return;
    try {
      const FlushDenormals flush;
      (*loop.task)(item);
    } catch (...) {
      const std::lock_guard lock(loop.mutex);
      if (!loop.failed.exchange(true)) loop.failure = std::current_exception();
    }
  }
};

}  // namespace

HostWorkers::HostWorkers(const JobSystem& jobs) : jobs_(jobs) {
  if (jobs_.workers < 1)
    throw SpecError("job system", fmt::format("expected at least 1 worker, got {}", jobs_.workers));
}

void HostWorkers::run_each(int64_t n, const std::function<void(int64_t)>& task) {
  if (n <= 0) return;
  Loop loop(task);
  jobs_.parallel_for(jobs_.context, n, &Loop::run, &loop);
  if (loop.failure) std::rethrow_exception(loop.failure);
}

void HostWorkers::run_together(int threads, const std::function<void(int)>&) {
  throw RuntimeError(fmt::format("the host's job system cannot promise {} threads at the same time", threads));
}

std::unique_ptr<Workers> make_workers(int threads, const JobSystem& jobs) {
  if (jobs.parallel_for) return std::make_unique<HostWorkers>(jobs);
  return std::make_unique<WorkerPool>(threads - 1);
}

}  // namespace shoal::cpu
