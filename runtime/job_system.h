// The job system of a host program: what it hands in so that its own threads run the groups of a launch.
#pragma once

#include <cstdint>

namespace shoal {

struct JobSystem {
  void* context = nullptr;  // given back in every call
  // Calls run(data, item) exactly once for each item in [0, n), on any threads, at once or one after another, and
  // returns when all calls have returned. `run` does not throw. May itself be called from several threads.
  void (*parallel_for)(void* context, int64_t n, void (*run)(void* data, int64_t item), void* data) = nullptr;
  int workers = 1;  // items that run at once, at most
};

}  // namespace shoal
