// The worker pool: one condition variable to start, one atomic counter to share, one condition variable to finish.
#include "runtime/cpu/worker_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <latch>

#include "compiler/support/error.h"
#include "runtime/cpu/flush_denormals.h"

namespace shoal::cpu {
namespace {

// Threads that are started for one call, and run its task when all of them have started.
class ExtraThreads {
 public:
  ExtraThreads(int first, int count, const std::function<void(int)>& task) {
    try {
      for (int t = 0; t < count; ++t)
        threads_.emplace_back([this, &task, thread = first + t] {
          all_here_.wait();
          const FlushDenormals flush;
          if (!given_up_) task(thread);
        });
    } catch (const std::system_error& error) {
      given_up_ = true;
      all_here_.count_down();
      join();
      throw RuntimeError(fmt::format("cannot start a thread of a team of {}: {}", first + count, error.what()));
    }
    all_here_.count_down();
  }
  ~ExtraThreads() { join(); }
  ExtraThreads(const ExtraThreads&) = delete;
  ExtraThreads& operator=(const ExtraThreads&) = delete;

 private:
  void join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  std::latch all_here_{1};
  bool given_up_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

WorkerPool::WorkerPool(int own_threads) {
  check(own_threads >= 0, "worker pool with {} threads", own_threads);
  threads_.reserve(size_t(own_threads));
  try {
    for (int t = 0; t < own_threads; ++t) threads_.emplace_back([this] { serve(); });
  } catch (const std::system_error& error) {
    {
      const std::lock_guard lock(state_);
      closing_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    throw RuntimeError(fmt::format("cannot start thread {} of {}: {}", threads_.size() + 1, own_threads, error.what()));
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(state_);
    closing_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::run_each(int64_t n, const std::function<void(int64_t item)>& task) {
  if (n <= 0) return;
  const std::lock_guard lock(one_launch_);
  launch(n, task, false);
}

void WorkerPool::run_together(int threads, const std::function<void(int thread)>& task) {
  check(threads >= 1, "{} threads together", threads);
  const std::lock_guard lock(one_launch_);
  const int here = std::min(threads, workers());
  const ExtraThreads extra(here, threads - here, task);
  launch(here, [&](int64_t thread) { task(int(thread)); }, true);
}

void WorkerPool::launch(int64_t n, const Task& task, bool together) {
  {
    const std::lock_guard lock(state_);
    task_ = &task;
    count_ = n;
    together_ = together;
    next_ = 0;
    failure_ = nullptr;
    busy_ = n > 1 ? int(threads_.size()) : 0;
    if (busy_ > 0) ++launch_;
  }
  if (n > 1) wake_.notify_all();
  {
    const FlushDenormals flush;
    work();
  }
  std::unique_lock lock(state_);
  finished_.wait(lock, [this] { return busy_ == 0; });
  task_ = nullptr;
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void WorkerPool::serve() {
  const FlushDenormals flush;
  uint64_t seen = 0;
  while (true) {
    {
      std::unique_lock lock(state_);
      wake_.wait(lock, [&] { return closing_ || launch_ != seen; });
      if (closing_) return;
      seen = launch_;
    }
    work();
    const std::lock_guard lock(state_);
    if (--busy_ == 0) finished_.notify_one();
  }
}

void WorkerPool::work() {
  try {
    while (true) {
      const int64_t item = next_.fetch_add(1);
      if (item >= count_) return;
      (*task_)(item);
      if (together_) return;
    }
  } catch (...) {
    next_ = count_;  // nobody starts another item
    const std::lock_guard lock(state_);
    if (!failure_) failure_ = std::current_exception();
  }
}

}  // namespace shoal::cpu
