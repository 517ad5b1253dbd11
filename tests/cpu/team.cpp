// Teams: the barrier orders memory, with cores for all threads and without; the queue of groups deals out every step
// once.
#include "runtime/cpu/team.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <numeric>
#include <thread>
#include <vector>

#include "runtime/cpu/group_queue.h"

namespace shoal::cpu {
namespace {

// Each thread writes its number in plain memory, and after the barrier adds up all of them: a thread that leaves the
// barrier early, or does not see what others wrote, gets another sum (and is a race to ThreadSanitizer).
void expect_barriers(int threads, int spins, int rounds) {
  Team team(threads, spins);
  std::vector<int64_t> written(size_t(threads), 0), wrong(size_t(threads), 0);
  auto run = [&](int thread) {
    for (int64_t round = 1; round <= rounds; ++round) {
      written[size_t(thread)] = round * (thread + 1);
      team.entry()->barrier(team.entry());
      const int64_t sum = std::accumulate(written.begin(), written.end(), int64_t{0});
      wrong[size_t(thread)] += sum != round * threads * (threads + 1) / 2;
      team.entry()->barrier(team.entry());
    }
  };
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(run, t);
  run(0);
  for (std::thread& thread : others) thread.join();
  for (int64_t count : wrong) EXPECT_EQ(count, 0) << threads << " threads";
}

TEST(Team, BarrierOrdersWhatTheThreadsWrite) {
  expect_barriers(1, 10, 10);
  expect_barriers(2, 2000, 2000);
  expect_barriers(3, 100, 500);
}

TEST(Team, MoreThreadsThanCoresGetThrough) { expect_barriers(8, 0, 200); }

TEST(GroupQueue, EveryStepOfEveryGroupRunsOnceAndInOrder) {
  for (int workers : {1, 2, 3, 16}) {
    for (int64_t groups : {1, 2, 9, 64, 100}) {
      for (int64_t steps : {1, 2, 8, 100}) {
        GroupQueue queue(groups, steps, workers);
        std::vector<int64_t> reached(size_t(groups), 0);
        std::deque<GroupWork> running;
        while (true) {
          while (int(running.size()) < workers) {
            const auto work = queue.next();
            if (!work) break;
            for (const GroupWork& other : running) EXPECT_TRUE(work->last <= other.first || other.last <= work->first);
            running.push_back(*work);
          }
          if (running.empty()) break;
          const GroupWork work = running.front();
          running.pop_front();
          for (int64_t group = work.first; group < work.last; ++group) {
            EXPECT_EQ(reached[size_t(group)], work.step);
            reached[size_t(group)] += work.steps;
          }
          queue.done(work);
        }
        for (int64_t step : reached) EXPECT_EQ(step, steps) << groups << " groups, " << workers << " workers";
      }
    }
  }
}

// The time that workers of equal speed take for groups of equal length, in group lengths.
double makespan(int64_t groups, int64_t steps, int workers) {
  GroupQueue queue(groups, steps, workers);
  std::multimap<double, std::optional<GroupWork>> free_at;  // when each worker is free, and what it ends then
  for (int w = 0; w < workers; ++w) free_at.emplace(0, std::nullopt);
  double end = 0;
  while (!free_at.empty()) {
    auto [now, ended] = *free_at.begin();
    free_at.erase(free_at.begin());
    end = now;
    if (ended) queue.done(*ended);
    if (const auto work = queue.next())
      free_at.emplace(now + double(work->last - work->first) * double(work->steps) / double(steps), work);
  }
  return end;
}

TEST(GroupQueue, TheTailIsShared) {
  EXPECT_NEAR(makespan(9, 800, 2), 4.5, 0.13);
  EXPECT_NEAR(makespan(3, 800, 2), 1.5, 0.13);
  EXPECT_NEAR(makespan(65, 800, 16), 65 / 16.0, 0.26);
  EXPECT_NEAR(makespan(8, 800, 2), 4, 1e-9);
  EXPECT_EQ(makespan(1, 800, 2), 1);
  EXPECT_EQ(makespan(3, 1, 2), 2);  // a single step is not cut
  // Of many groups no worker is left with a run of them when there is nothing to share any more.
  EXPECT_NEAR(makespan(256, 100, 2), 128, 0.13);
  EXPECT_NEAR(makespan(1000, 100, 3), 1000 / 3.0, 0.26);
  EXPECT_NEAR(makespan(1000, 1, 2), 500, 1);
}

}  // namespace
}  // namespace shoal::cpu
