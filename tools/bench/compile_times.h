// Measures what it costs to come from a spec to code that can be launched: compiled, and recalled from the cache.
#pragma once

#include <cstdint>
#include <string>

#include "tools/bench/works.h"

namespace shoal::bench {

// Medians in milliseconds.
struct CompileTimes {
  std::string name, schedule;
  int64_t members = 0;
  double graph = 0;     // the spec as text -> the program's graph
  double source = 0;    // the graph -> source
  double code = 0;      // source -> code
  double recalled = 0;  // the graph -> code, from the cache's folder
  double known = 0;     // the graph -> code, from this process's memory
};

// 8 dense layers of 128: the largest network of which compile time is promised.
Work largest_promised();

// `members` 0: the work's. `repetitions` of everything but the first, whose code the others find or make again.
CompileTimes compile_times(const Work&, const std::string& device, const std::string& schedule, int64_t members,
                           int repetitions);

}  // namespace shoal::bench
