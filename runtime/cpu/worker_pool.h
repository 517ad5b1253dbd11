// Threads that share the groups of a launch. Denormals are flushed to zero in whatever runs here: denormal Adam moments
// made a training step 3 times slower.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace shoal::cpu {

// Flush-to-zero and denormals-are-zero in this thread while it lives; what was before comes back.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  uint32_t saved_;
};

class WorkerPool {
 public:
  using Body = std::function<void(int64_t first, int64_t last, int worker)>;

  // `own_threads` threads beside the caller of parallel_for, who always works too.
  explicit WorkerPool(int own_threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int workers() const { return int(threads_.size()) + 1; }
  // Calls `body` on ranges that make up [0, n), each item once; returns when all are done. `worker` is in [0,
  // workers()), and one worker runs one range at a time. The first exception of a body ends the loop and is thrown
  // here. Calls from several threads queue up; a call from within a body is not allowed.
  void parallel_for(int64_t n, const Body& body);

 private:
  void serve(int worker);
  void work(int worker);

  std::vector<std::thread> threads_;
  std::mutex one_launch_;  // held for the whole of a parallel_for
  std::mutex state_;       // guards what follows, up to the atomics
  std::condition_variable wake_, finished_;
  uint64_t launch_ = 0;
  int busy_ = 0;
  bool closing_ = false;
  std::exception_ptr failure_;
  // Of the launch under way: written under state_ before the workers wake.
  const Body* body_ = nullptr;
  int64_t count_ = 0, grain_ = 1;
  std::atomic<int64_t> next_ = 0;
};

}  // namespace shoal::cpu
