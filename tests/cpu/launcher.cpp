// Launches of kernels that are plain functions, so that ThreadSanitizer sees what they touch: every step of every group
// once and in order, and teams that share scratch.
#include "runtime/cpu/launcher.h"

#include <gtest/gtest.h>

#include <vector>

#include "runtime/cpu/worker_pool.h"

namespace shoal::cpu {
namespace {

// Buffer 0: by group, the number of steps taken; -1 once a step came out of turn.
void count_steps(void* const* buffers, const int32_t* scalars, void* scratch, int32_t first, int32_t last, int32_t,
                 TeamEntry*) {
  auto* taken = static_cast<int32_t*>(buffers[0]);
  auto* own = static_cast<int32_t*>(scratch);
  for (int32_t group = first; group < last; ++group) {
    own[0] = taken[group];
    if (own[0] >= 0) taken[group] = own[0] == scalars[1] - 100 ? own[0] + scalars[0] : -1;
  }
}

TEST(Launcher, RunsEveryStepOfEveryGroupInOrder) {
  ScratchPool scratch;
  kernel::Kernel signature;
  signature.scalars = {"steps", "first_step"};
  for (int own : {0, 1, 3}) {
    WorkerPool pool(own);
    Launcher launcher(pool, scratch);
    for (int64_t groups : {1, 3, 9, 70}) {
      for (int32_t steps : {1, 5, 64}) {
        std::vector<int32_t> taken(size_t(groups), 0);
        launcher.launch({&count_steps, signature, groups, {taken.data()}, {steps, 100}});
        for (int32_t count : taken) EXPECT_EQ(count, steps) << groups << " groups, " << own << " threads";
      }
    }
  }
}

// Each thread of the team puts its number and the group into scratch; then each adds up what all have put there.
void add_up(void* const* buffers, const int32_t* scalars, void* scratch, int32_t first, int32_t last, int32_t warp,
            TeamEntry* team) {
  const int32_t warps = scalars[0];
  auto* shared = static_cast<int32_t*>(scratch);
  for (int32_t group = first; group < last; ++group) {
    shared[warp] = group * 100 + warp;
    team->barrier(team);
    int32_t sum = 0;
    for (int32_t w = 0; w < warps; ++w) sum += shared[w];
    static_cast<int32_t*>(buffers[0])[group * warps + warp] = sum;
    team->barrier(team);
  }
}

TEST(Launcher, TeamsShareScratchAmongThemselvesAlone) {
  ScratchPool scratch;
  for (int own : {0, 1, 5}) {
    WorkerPool pool(own);
    Launcher launcher(pool, scratch);
    for (int32_t warps : {2, 3}) {
      kernel::Kernel signature;
      signature.warps = warps, signature.shared_elements = warps;
      signature.scalars = {"warps"};
      constexpr int64_t groups = 40;
      std::vector<int32_t> sums(size_t(groups * warps), -1);
      launcher.launch({&add_up, signature, groups, {sums.data()}, {warps}});
      for (int32_t i = 0; i < groups * warps; ++i)
        EXPECT_EQ(sums[size_t(i)], (i / warps) * 100 * warps + warps * (warps - 1) / 2) << own << " threads";
    }
  }
}

}  // namespace
}  // namespace shoal::cpu
