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

// How fast a core and its memories are, and what it costs threads to meet. Defaults: AMD Zen 3, where only the ratios
// of the first four count, since they are of a slow clock.
struct Rates {
  double cycles_per_ns = 3.2;
  double l2_bytes_per_ns = 120, l3_bytes_per_ns = 31, memory_bytes_per_ns = 12;  // to one core
  // Two threads at a barrier: 90 ns for a cache line to go to the other core and another one to come back, measured;
  // the rest is an estimate of the wait until the slower one is there.
  double ns_per_barrier = 700;
  // A launch of one step wakes the other workers, and waits until they are done: estimated from forward passes of one
  // member by one thread and by two, on a virtual machine that was not idle.
  double ns_per_wake = 40000;
};

// What choose knows about a CPU; of GPUs: choose_gpu.h.
struct Machine {
  int lanes = 8;  // of the widest vector
  int64_t l1_bytes = 32 << 10, l2_bytes = 512 << 10;
  int64_t l3_bytes = 0;  // of all workers together; 0: there is none
  int workers = 1;
  bool teams = false;  // several of them may run one group together
  Rates rates = {};

  // What a worker finds again without going to memory: half of its part of L3 (the other half is other programs'), at
  // least L2.
  int64_t own_cache_bytes() const { return std::max(l2_bytes, l3_bytes / 2 / workers); }
};

struct Candidate {
  Schedule schedule;
  std::string name;       // "a lane per member"
  int64_t layer_bytes;    // of the widest activation of one chunk, for the members that share a core's lanes
  bool optional = false;  // another tile or chunk of a candidate: considered while that is cheap
};

// At least one.
std::vector<Candidate> candidates(const Graph& graph, int64_t members, const Machine& machine);
// Other tiles and chunks of one of them, the likelier ones first.
std::vector<Candidate> variations(const Candidate& candidate, const Graph& graph, const Machine& machine);
// All that are worth measuring, those above among them; more tiles, chunks and teams.
std::vector<Candidate> wider_candidates(const Graph& graph, int64_t members, const Machine& machine);

// What a candidate's kernel does in one step.
struct Counts {
  int64_t groups = 1;
  double barriers = 0;  // at which the threads of a group wait for each other
  bool steps = false;   // a launch takes many steps, so the last groups can be shared by all workers in turn
  // Of one thread of one group:
  double cycles = 0;                                    // with all memory in L1
  double arithmetic = 0, accesses = 0;                  // cycles if nothing but these counted
  double waiting = 0;                                   // of `cycles`: for accumulators
  double l2_bytes = 0, l3_bytes = 0, memory_bytes = 0;  // that come from there, or from beyond
};

struct Prediction {
  double ns = 0;      // of one step of the population
  std::string terms;  // how it comes about, for people
  struct Part {
    const char* name;
    double ns;
  };
  std::vector<Part> parts;  // what `ns` is the sum of, the same parts for every candidate
};
Prediction predict(const Candidate& candidate, const Counts& counts, const Machine& machine);

}  // namespace shoal::plan
