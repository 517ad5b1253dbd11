// choose: the schedule for a graph, a population and a target, from counts and machine constants; never by measuring.
//
// A few candidates are planned and lowered; the instructions of their kernels and the memory that they touch give a
// time for each, and the fastest one is taken. compiler/rank.cpp drives this: candidates()
// before lowering, predict() after.
#pragma once

#include <string>
#include <vector>

#include "compiler/plan/schedule.h"

namespace shoal::plan {

// What choose knows about the target.
struct Machine {
  bool cpu = true;
  int lanes = 8;
  int registers = 16;
  int64_t l1_bytes = 32 << 10, l2_bytes = 512 << 10, shared_bytes = 99 << 10;
  int workers = 1;
  bool teams = false;  // several of them may run one group together
};

struct Candidate {
  Schedule schedule;
  std::string name;     // "a lane per member"
  int64_t layer_bytes;  // of the widest activation of one chunk, for the members that share a core's lanes
  int64_t state_bytes;  // carried and read once a step, likewise
};

// At least one; on a GPU exactly one.
std::vector<Candidate> candidates(const Graph& graph, int64_t members, const Machine& machine);

// What a candidate's kernel does in one step.
struct Counts {
  double instructions = 0;     // of one thread of a group (of one vector lane)
  double scattered = 0;        // of these, accesses whose lanes do not stand side by side
  double global_bytes = 0;     // of one group
  double temporary_bytes = 0;  // that a group keeps between nests; what loops over time keep is all touched twice
  int64_t groups = 1;
  double barriers = 0;  // at which the threads of a group wait for each other
  bool steps = false;   // a launch takes many steps, so the last groups can be shared by all workers in turn
};

struct Prediction {
  double ns = 0;      // of one step of the population
  std::string terms;  // how it comes about, for people
};
Prediction predict(const Candidate& candidate, const Counts& counts, const Machine& machine);

}  // namespace shoal::plan
