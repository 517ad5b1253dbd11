// The loop tree of a CPU kernel: what each loop body executes by kind, and how its accesses move with the counters.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::kernel {

// Vector instructions of one execution of a body, without those of loops inside it, by what they wait for.
struct Issue {
  double fp = 0;         // arithmetic on a vector (or one number) in one instruction, divisions aside
  double divisions = 0;  // quotients and square roots
  double loads = 0, stores = 0;
  double shuffles = 0;                     // elements put into a vector, or taken out of one, one by one
  double gathers = 0;                      // elements fetched by an index that differs from lane to lane
  double scalar = 0;                       // integers that are the same in all lanes
  double integer = 0;                      // vectors of integers
  double int_divides = 0;                  // quotients and rests of integers, each lane by itself
  double branches = 0;                     // of `when` and `repeat`
  double masked_stores = 0, scatters = 0;  // where lanes part: vectors side by side; elements that stand apart
};

// One or several accesses of a body that move alike: same buffer, same strides, other offsets.
struct LoopAccess {
  int32_t buffer = -1;
  int32_t loop = -1;   // node in whose body it stands
  int32_t scope = -1;  // of the part of its place that depends on memory: the innermost node with which it changes
  bool store = false;
  int64_t count = 0;            // of them
  int64_t elements = 1;         // of each
  int64_t first = 0, last = 0;  // offsets of the first element of the lowest and of the highest
  int64_t apart = 0;            // greatest common divisor of the distances between them
  std::vector<std::pair<int32_t, int64_t>> strides = {};  // loop node, elements an iteration; ascending, none zero
};

struct LoopNode {
  int32_t parent = -1;
  double trips = 1;
  Issue issue = {};
  double chain = 0;          // cycles from one iteration's accumulators to the next one's, at least
  int32_t accumulators = 0;  // vectors that are carried from iteration to iteration
  std::vector<int32_t> children = {};
  std::vector<int32_t> accesses = {};  // in LoopTree::accesses
};

// nodes[0] is the loop over the groups that one worker runs, with one trip here; the steps of a program are a loop of
// nodes[0] where it has them. Parents stand before their children.
struct LoopTree {
  std::vector<LoopNode> nodes;
  std::vector<LoopAccess> accesses;
  double barriers = 0;  // of the group, in the whole launch
};

// Latencies in cycles, for the chains.
struct Latency {
  double fma = 4, add = 3, other = 1, divide = 13;
};

// `scalars` as for estimate(): "steps" decides the trips of the outermost loop. Unknown counts are one trip.
LoopTree loop_tree(const Kernel&, const std::vector<int32_t>& scalars, const Latency& = {});

}  // namespace shoal::kernel
