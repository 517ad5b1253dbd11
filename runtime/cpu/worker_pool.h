// Threads of our own that share the groups of a launch.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/cpu/workers.h"

namespace shoal::cpu {

class WorkerPool : public Workers {
 public:
  // `own_threads` threads beside the caller, who always works too.
  explicit WorkerPool(int own_threads);
  ~WorkerPool() override;
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int workers() const override { return int(threads_.size()) + 1; }
  void run_each(int64_t n, const std::function<void(int64_t item)>& task) override;
  // More threads than the pool has are started for the one call.
  void run_together(int threads, const std::function<void(int thread)>& task) override;
  bool can_run_together() const override { return true; }

 private:
  using Task = std::function<void(int64_t)>;
  void launch(int64_t n, const Task& task, bool together);
  void serve();
  void work();

  std::vector<std::thread> threads_;
  std::mutex one_launch_;  // held for the whole of a launch
  std::mutex state_;       // guards what follows, up to the counter
  std::condition_variable wake_, finished_;
  uint64_t launch_ = 0;
  int busy_ = 0;
  bool closing_ = false;
  std::exception_ptr failure_;
  // Of the launch under way: written under state_ before the workers wake.
  const Task* task_ = nullptr;
  int64_t count_ = 0;
  bool together_ = false;  // one item a thread, because they wait for each other
  // On a cache line of its own: all workers write it while they read what stands above.
  alignas(64) std::atomic<int64_t> next_ = 0;
};

}  // namespace shoal::cpu
