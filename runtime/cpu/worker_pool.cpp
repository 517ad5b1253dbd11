// The worker pool: one condition variable to start, one atomic counter to share, one condition variable to finish.
#include "runtime/cpu/worker_pool.h"

#include <xmmintrin.h>

#include <algorithm>

#include "compiler/support/error.h"

namespace shoal::cpu {

namespace {
constexpr uint32_t kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
}

FlushDenormals::FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | kFlushToZero | kDenormalsAreZero); }
FlushDenormals::~FlushDenormals() { _mm_setcsr(saved_); }

WorkerPool::WorkerPool(int own_threads) {
  check(own_threads >= 0, "worker pool with {} threads", own_threads);
  threads_.reserve(size_t(own_threads));
  try {
    for (int t = 0; t < own_threads; ++t) threads_.emplace_back([this, t] { serve(t + 1); });
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

void WorkerPool::parallel_for(int64_t n, const Body& body) {
  if (n <= 0) return;
  const std::lock_guard launch(one_launch_);
  {
    const std::lock_guard lock(state_);
    body_ = &body;
    count_ = n;
    // Eight ranges a worker: the last to finish is late by about one of them, and the counter stays cold.
    grain_ = std::max<int64_t>(1, n / (8 * workers()));
    next_ = 0;
    failure_ = nullptr;
    busy_ = n > 1 ? int(threads_.size()) : 0;
    if (busy_ > 0) ++launch_;
  }
  if (n > 1) wake_.notify_all();
  {
    const FlushDenormals flush;
    work(0);
  }
  std::unique_lock lock(state_);
  finished_.wait(lock, [this] { return busy_ == 0; });
  body_ = nullptr;
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void WorkerPool::serve(int worker) {
  const FlushDenormals flush;
  uint64_t seen = 0;
  while (true) {
    {
      std::unique_lock lock(state_);
      wake_.wait(lock, [&] { return closing_ || launch_ != seen; });
      if (closing_) return;
      seen = launch_;
    }
    work(worker);
    const std::lock_guard lock(state_);
    if (--busy_ == 0) finished_.notify_one();
  }
}

void WorkerPool::work(int worker) {
  try {
    while (true) {
      const int64_t first = next_.fetch_add(grain_);
      if (first >= count_) return;
      (*body_)(first, std::min(first + grain_, count_), worker);
    }
  } catch (...) {
    next_ = count_;  // nobody starts another range
    const std::lock_guard lock(state_);
    if (!failure_) failure_ = std::current_exception();
  }
}

}  // namespace shoal::cpu
