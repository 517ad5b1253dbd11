// choose: the schedule for a graph, a population and a target, from counts and machine constants; never by measuring.
#pragma once

#include <string>

#include "compiler/plan/schedule.h"

namespace shoal::plan {

// What choose knows about the target.
struct Machine {
  bool cpu = true;
  int lanes = 8;
  int registers = 16;
  int64_t l1_bytes = 32 << 10, l2_bytes = 512 << 10, shared_bytes = 99 << 10;
  int workers = 1;
};

struct Choice {
  Schedule schedule;
  std::string why;  // one reason a line
};

Choice choose(const Graph& graph, int64_t members, const Machine& machine);

}  // namespace shoal::plan
