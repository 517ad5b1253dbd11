// The worker pool: every item once, exceptions arrive, denormals are flushed inside and nowhere else.
#include "runtime/cpu/worker_pool.h"

#include <gtest/gtest.h>
#include <xmmintrin.h>

#include <atomic>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

namespace shoal::cpu {
namespace {

TEST(WorkerPool, RunsEveryItemOnceWithAnyNumberOfThreads) {
  for (int own : {0, 1, 3}) {
    WorkerPool pool(own);
    EXPECT_EQ(pool.workers(), own + 1);
    for (int64_t n : {0, 1, 2, 17, 1000}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
      std::vector<std::atomic<int>> inside(static_cast<size_t>(pool.workers()));
      std::atomic<bool> overlapped = false;
      pool.parallel_for(n, [&](int64_t first, int64_t last, int worker) {
        if (inside[size_t(worker)]++ != 0) overlapped = true;
        for (int64_t k = first; k < last; ++k) ++seen[size_t(k)];
        --inside[size_t(worker)];
      });
      for (const auto& count : seen) EXPECT_EQ(count, 1);
      EXPECT_FALSE(overlapped) << "a worker ran two ranges at once";
    }
  }
}

TEST(WorkerPool, ThrowsTheFirstExceptionAndStaysUsable) {
  WorkerPool pool(2);
  for (int round = 0; round < 20; ++round) {
    EXPECT_THROW(pool.parallel_for(100,
                                   [](int64_t first, int64_t last, int) {
                                     if (first <= 50 && 50 < last) throw std::out_of_range("50");
                                   }),
                 std::out_of_range);
    std::atomic<int64_t> sum = 0;
    pool.parallel_for(100, [&](int64_t first, int64_t last, int) {
      for (int64_t k = first; k < last; ++k) sum += k;
    });
    EXPECT_EQ(sum, 4950);
  }
}

TEST(WorkerPool, FlushesDenormalsInEveryWorkerAndLeavesTheCallerAsItWas) {
  const uint32_t before = _mm_getcsr();
  WorkerPool pool(2);
  volatile float tiny = std::numeric_limits<float>::min();
  std::atomic<int> kept = 0;
  pool.parallel_for(64, [&](int64_t, int64_t, int) { kept += tiny * 0.5f != 0.0f; });
  EXPECT_EQ(kept, 0);
  EXPECT_EQ(_mm_getcsr() & 0xFFC0u, before & 0xFFC0u);  // control bits; the lower ones are sticky flags
  EXPECT_NE(tiny * 0.5f, 0.0f);
}

TEST(WorkerPool, CallersFromSeveralThreadsTakeTurns) {
  WorkerPool pool(1);
  std::vector<int64_t> sums(4);
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&pool, &sum = sums[size_t(c)]] {
      for (int round = 0; round < 50; ++round) {
        std::atomic<int64_t> part = 0;
        pool.parallel_for(10, [&](int64_t first, int64_t last, int) { part += last - first; });
        sum += part;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), int64_t{0}), 4 * 50 * 10);
}

}  // namespace
}  // namespace shoal::cpu
