// A team: threads that run one group together, and the barrier at which they wait for each other.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/cpu/jit.h"

namespace shoal::cpu {

// Passed to kernels of several warps as their `team`. All threads of the team must exist at the same time: a thread
// waits at the barrier for every other. It waits by spinning, because nests take microseconds; where a thread does not
// come soon (there are more threads than cores, or the system gave its core to others) the waiting ones sleep, so that
// the system can run it where they were.
class Team {
 public:
  // `spins` looks at the barrier before it sleeps.
  Team(int threads, int spins);
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  TeamEntry* entry() { return &entry_.base; }
  int threads() const { return threads_; }
  // Returns when all threads of the team have called it; what each wrote before is seen by all after.
  void wait();

  int64_t group = 0;  // that the team runs: its first thread writes it between two barriers

 private:
  struct Entry {
    TeamEntry base;
    Team* team = nullptr;
  };
  static void wait_at(TeamEntry* entry);

  Entry entry_;
  const int threads_, spins_;
  // On cache lines of their own: all write the one, and all but the last to come read the other over and over.
  alignas(64) std::atomic<int> arrived_ = 0;
  alignas(64) std::atomic<uint32_t> round_ = 0;
};

}  // namespace shoal::cpu
