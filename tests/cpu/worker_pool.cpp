// The worker pool and the host's job system: every item once, exceptions arrive, denormals are flushed inside and
// nowhere else, and threads that must run together do.
#include "runtime/cpu/worker_pool.h"

#include <gtest/gtest.h>
#include <xmmintrin.h>

#include <atomic>
#include <barrier>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "compiler/support/error.h"
#include "runtime/cpu/host_workers.h"

namespace shoal::cpu {
namespace {

// A job system that runs items one after another in the caller, last one first.
void one_by_one(void* context, int64_t n, void (*run)(void*, int64_t), void* data) {
  if (context) ++*static_cast<int*>(context);
  for (int64_t item = n; item-- > 0;) run(data, item);
}

// One that starts a thread for each item.
void thread_for_each(void*, int64_t n, void (*run)(void*, int64_t), void* data) {
  std::vector<std::thread> threads;
  for (int64_t item = 0; item < n; ++item) threads.emplace_back(run, data, item);
  for (std::thread& thread : threads) thread.join();
}

// All kinds of workers, by name.
void with_all(const std::function<void(const std::string&, Workers&)>& check_one) {
  for (int own : {0, 1, 3}) {
    WorkerPool pool(own);
    EXPECT_EQ(pool.workers(), own + 1);
    check_one("pool of " + std::to_string(own), pool);
  }
  HostWorkers sequential({nullptr, &one_by_one, 4});
  check_one("one by one", sequential);
  HostWorkers parallel({nullptr, &thread_for_each, 4});
  check_one("a thread for each", parallel);
}

TEST(Workers, RunEveryItemOnce) {
  with_all([](const std::string& name, Workers& workers) {
    for (int64_t n : {0, 1, 2, 17, 200}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
      workers.run_each(n, [&](int64_t item) { ++seen[size_t(item)]; });
      for (const auto& count : seen) EXPECT_EQ(count, 1) << name;
    }
  });
}

TEST(Workers, ThrowTheFirstExceptionAndStayUsable) {
  with_all([](const std::string& name, Workers& workers) {
    for (int round = 0; round < 20; ++round) {
      EXPECT_THROW(workers.run_each(20,
                                    [](int64_t item) {
                                      if (item == 7) throw std::out_of_range("7");
                                    }),
                   std::out_of_range)
          << name;
      std::atomic<int64_t> sum = 0;
      workers.run_each(20, [&](int64_t item) { sum += item; });
      EXPECT_EQ(sum, 190) << name;
    }
  });
}

TEST(Workers, FlushDenormalsInEveryItemAndLeaveTheCallerAsItWas) {
  with_all([](const std::string& name, Workers& workers) {
    const uint32_t before = _mm_getcsr();
    volatile float tiny = std::numeric_limits<float>::min();
    std::atomic<int> kept = 0;
    workers.run_each(16, [&](int64_t) { kept += tiny * 0.5f != 0.0f; });
    EXPECT_EQ(kept, 0) << name;
    EXPECT_EQ(_mm_getcsr() & 0xFFC0u, before & 0xFFC0u) << name;  // control bits; the lower ones are sticky flags
    EXPECT_NE(tiny * 0.5f, 0.0f) << name;
  });
}

// The mode of a host's own thread after it has run an item of ours, also one that threw.
TEST(Workers, AHostsThreadGetsItsModeBack) {
  static thread_local uint32_t changed = 0;
  HostWorkers workers({nullptr,
                       [](void*, int64_t n, void (*run)(void*, int64_t), void* data) {
                         const uint32_t before = _mm_getcsr();
                         for (int64_t item = 0; item < n; ++item) run(data, item);
                         changed = (_mm_getcsr() ^ before) & 0xFFC0u;
                       },
                       2});
  EXPECT_THROW(workers.run_each(3, [](int64_t) { throw std::out_of_range("0"); }), std::out_of_range);
  EXPECT_EQ(changed, 0u);
}

TEST(Workers, CallersFromSeveralThreadsAreServed) {
  with_all([](const std::string& name, Workers& workers) {
    std::vector<int64_t> sums(4);
    std::vector<std::thread> callers;
    for (int c = 0; c < 4; ++c) {
      callers.emplace_back([&workers, &sum = sums[size_t(c)]] {
        for (int round = 0; round < 20; ++round) {
          std::atomic<int64_t> part = 0;
          workers.run_each(10, [&](int64_t) { ++part; });
          sum += part;
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), int64_t{0}), 4 * 20 * 10) << name;
  });
}

// Threads that wait for each other: with fewer in the pool than are asked for, as many, and more.
TEST(WorkerPool, RunsThreadsTogetherHoweverFewItHas) {
  for (int own : {0, 1, 3}) {
    WorkerPool pool(own);
    for (int threads : {1, 2, 3, 6}) {
      for (int round = 0; round < 5; ++round) {
        std::barrier together(threads);
        std::vector<std::atomic<int>> seen(static_cast<size_t>(threads));
        std::atomic<int> denormals = 0;
        volatile float tiny = std::numeric_limits<float>::min();
        pool.run_together(threads, [&](int thread) {
          together.arrive_and_wait();
          denormals += tiny * 0.5f != 0.0f;
          ++seen[size_t(thread)];
        });
        for (const auto& count : seen) EXPECT_EQ(count, 1) << own << " of " << threads;
        EXPECT_EQ(denormals, 0);
      }
    }
    std::atomic<int> after = 0;
    pool.run_each(9, [&](int64_t) { ++after; });
    EXPECT_EQ(after, 9);
  }
}

TEST(HostWorkers, PromiseNoTwoThreadsAtTheSameTime) {
  int calls = 0;
  HostWorkers workers({&calls, &one_by_one, 2});
  workers.run_each(2, [](int64_t) {});
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(workers.can_run_together());
  EXPECT_THROW(workers.run_together(2, [](int) {}), RuntimeError);
  EXPECT_THROW(HostWorkers({&calls, &one_by_one, 0}), SpecError);
}

}  // namespace
}  // namespace shoal::cpu
