// The barrier of a team: a counter of those that have come, and the number of the round that they wait to end.
#include "runtime/cpu/team.h"

#if !defined(__aarch64__)
#include <immintrin.h>
#endif

namespace shoal::cpu {
namespace {

// Tells the core that this thread only waits.
void relax() {
#if defined(__aarch64__)
  asm volatile("yield");
#else
  _mm_pause();
#endif
}

}  // namespace

Team::Team(int threads, int spins) : threads_(threads), spins_(spins) {
  entry_.base.barrier = wait_at;
  entry_.team = this;
}

void Team::wait_at(TeamEntry* entry) { reinterpret_cast<Entry*>(entry)->team->wait(); }

void Team::wait() {
  // Read before arriving: the round cannot end without this thread.
  const uint32_t round = round_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    round_.store(round + 1, std::memory_order_release);
    round_.notify_all();
    return;
  }
  for (int spin = 0; spin < spins_; ++spin) {
    if (round_.load(std::memory_order_acquire) != round) return;
    relax();
  }
  round_.wait(round, std::memory_order_acquire);
}

}  // namespace shoal::cpu
