// Groups shared among threads or teams. The results do not depend on who runs what.
#include "runtime/cpu/launcher.h"

#include <algorithm>
#include <atomic>
#include <list>
#include <memory>
#include <thread>

#include "runtime/cpu/group_queue.h"
#include "runtime/cpu/team.h"

namespace shoal::cpu {
namespace {

// About 50 microseconds, longer than a nest usually keeps one thread waiting for another; none when the threads of a
// team share cores, since then the one that is waited for may need this one's.
constexpr int spins_before_sleep = 2000;

// Where the kernel's scalars say how many steps it takes; -1 where it takes none.
int scalar_index(const kernel::Kernel& signature, const char* name) {
  const auto at = std::find(signature.scalars.begin(), signature.scalars.end(), name);
  return at == signature.scalars.end() ? -1 : int(at - signature.scalars.begin());
}

}  // namespace

void Launcher::launch(const Launch& launch) {
  const int64_t bytes = std::max<int64_t>(64, launch.signature.shared_elements * 4);
  if (launch.signature.warps > 1)
    by_teams(launch, bytes);
  else
    by_threads(launch, bytes);
}

void Launcher::by_threads(const Launch& launch, int64_t scratch_bytes) {
  const int steps = scalar_index(launch.signature, "steps"), first = scalar_index(launch.signature, "first_step");
  const bool in_steps = steps >= 0 && first >= 0;
  const int workers = workers_.workers();
  GroupQueue queue(launch.groups, in_steps ? launch.scalars[size_t(steps)] : 1, workers);
  workers_.run_each(std::min<int64_t>(workers, launch.groups), [&](int64_t) {
    const ScratchPool::Piece scratch = scratch_.take(scratch_bytes);
    std::vector<int32_t> scalars = launch.scalars;
    while (const std::optional<GroupWork> work = queue.next()) {
      if (in_steps) {
        scalars[size_t(steps)] = int32_t(work->steps);
        scalars[size_t(first)] = launch.scalars[size_t(first)] + int32_t(work->step);
      }
      launch.function(launch.buffers.data(), scalars.data(), scratch.data(), int32_t(work->first), int32_t(work->last),
                      0, nullptr);
      queue.done(*work);
    }
  });
}

void Launcher::by_teams(const Launch& launch, int64_t scratch_bytes) {
  const int warps = launch.signature.warps;
  const int teams = int(std::clamp<int64_t>(workers_.workers() / warps, 1, std::max<int64_t>(1, launch.groups)));
  const int cores = int(std::thread::hardware_concurrency());
  struct Crew {
    Crew(int warps, int spins, ScratchPool& pool, int64_t bytes) : team(warps, spins), scratch(pool.take(bytes)) {}
    Team team;
    ScratchPool::Piece scratch;
  };
  std::list<Crew> crews;
  std::vector<Crew*> of_team;
  for (int t = 0; t < teams; ++t)
    of_team.push_back(
        &crews.emplace_back(warps, teams * warps <= cores ? spins_before_sleep : 0, scratch_, scratch_bytes));
  std::atomic<int64_t> next = 0;
  workers_.run_together(teams * warps, [&](int thread) {
    Crew& crew = *of_team[size_t(thread / warps)];
    const int warp = thread % warps;
    while (true) {
      // All threads of the team have read the last group before they ended it together.
      if (warp == 0) crew.team.group = next.fetch_add(1);
      crew.team.wait();
      const int64_t group = crew.team.group;
      if (group >= launch.groups) return;
      launch.function(launch.buffers.data(), launch.scalars.data(), crew.scratch.data(), int32_t(group),
                      int32_t(group + 1), warp, crew.team.entry());
    }
  });
}

}  // namespace shoal::cpu
