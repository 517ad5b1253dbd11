// Teams: the barrier orders memory, with cores for all threads and without; the queue of groups deals out every step
// once.
#include "runtime/cpu/team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <numeric>
#include <thread>
#include <vector>

#include "compiler/compile.h"
#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/group_queue.h"
#include "runtime/cpu/host.h"

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

// Twelve groups whose threads each add one to every element of their half, in rounds with barriers between, reading the
// other half: the result is known in closed form.
Module relay(int warps, int groups) {
  Module m;
  m.target = detect_host();
  m.target.lanes = 4;
  m.groups = groups;
  kernel::Kernel& k = m.kernel;
  k.warps = warps, k.lanes = 4, k.shared_elements = warps * 4;
  k.buffers = {{.name = "out", .written = true},
               {.name = "tile", .space = kernel::Space::shared, .size = warps * 4, .written = true}};
  k.scalars = {"rounds"};
  kernel::Builder b(k);
  using kernel::Op;
  const int32_t warp = b.leaf(Op::warp), lane = b.leaf(Op::lane), four = b.constant_i32(4);
  const int32_t mine = b.emit(Op::add, b.emit(Op::mul, warp, four), lane);
  const int32_t next_warp = b.emit(Op::rem, b.emit(Op::add, warp, b.constant_i32(1)), b.constant_i32(warps));
  const int32_t theirs = b.emit(Op::add, b.emit(Op::mul, next_warp, four), lane);
  b.store(1, -1, mine, 0, b.emit(Op::to_f32, b.leaf(Op::group)));
  b.barrier(true);
  b.loop(b.scalar(0));
  const int32_t value = b.load(1, -1, theirs, 0);
  b.barrier(true);
  b.store(1, -1, mine, 0, b.emit(Op::add, value, b.constant(1)));
  b.barrier(true);
  b.end();
  const int32_t base = b.emit(Op::mul, b.emit(Op::to_i64, b.leaf(Op::group)), b.constant_i64(warps * 4));
  b.store(0, base, mine, 0, b.load(1, -1, mine, 0));
  kernel::verify(k, "test");
  m.source = emit::llvm(k, m.target.cpu);
  return m;
}

TEST(Team, GroupsOfSeveralThreadsRunWithFewerAndMoreOfThem) {
  constexpr int groups = 12, rounds = 50;
  for (int warps : {2, 3}) {
    const Module m = relay(warps, groups);
    for (int threads : {1, 2, 5}) {
      CpuDevice device(threads);
      auto executable = device.load(m);
      auto out = device.allocate(groups * warps * 4 * 4);
      executable->launch({out.get()}, {rounds});
      std::vector<float> values(size_t(groups * warps * 4));
      out->read(values.data(), int64_t(values.size()) * 4);
      for (size_t i = 0; i < values.size(); ++i)
        ASSERT_EQ(values[i], float(int(i) / (warps * 4) + rounds)) << warps << " warps, " << threads << " threads";
    }
  }
}

TEST(Team, IsRefusedWithAJobSystem) {
  JobSystem jobs;
  jobs.parallel_for = [](void*, int64_t n, void (*run)(void*, int64_t), void* data) {
    for (int64_t item = 0; item < n; ++item) run(data, item);
  };
  jobs.workers = 4;
  CpuDevice device(CpuOptions{.jobs = jobs});
  EXPECT_EQ(device.target().workers, 4);
  EXPECT_FALSE(device.target().teams);
  Module m = relay(2, 3);
  m.schedule = "member=group sample=warp*2,lane";
  try {
    device.load(m);
    FAIL() << "accepted";
  } catch (const SpecError& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "schedule: 'member=group sample=warp*2,lane' needs 2 threads at the same time, which the host's job system "
        "does not promise; use a schedule without warps");
  }
}

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
}

}  // namespace
}  // namespace shoal::cpu
