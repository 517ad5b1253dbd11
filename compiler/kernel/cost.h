// Cost: the cycles that a core takes for a loop tree, by what it waits for.
#pragma once

#include <string>

#include "compiler/kernel/loop_tree.h"

namespace shoal::kernel {

// A core. Defaults: AMD Zen 3 with vectors of 256 bits, fitted to about a thousand measured schedules of the networks
// of `shoal bench --regret`; elsewhere the order they give should still hold. compiler/cpu_model.cpp has those of
// others.
struct Core {
  int registers = 16;                         // vector registers
  double issue = 3;                           // instructions a cycle that compiled loops reach
  double fp = 2, loads = 1.8, stores = 0.75;  // a cycle
  double shuffles = 0.85, integer = 1.2;      // a cycle
  double interference = 0.65;  // share of the less busy of arithmetic and memory that is not hidden behind the other
  double division = 12;        // cycles of a vector of quotients or roots
  double int_divide = 7;       // cycles
  double gathered = 1.6;       // cycles of an element fetched by an index of its own
  double masked_store = 22;    // cycles of a vector of which lanes may be off
  double scattered = 3;        // cycles of an element stored where lanes may be off
  double branch = 6;           // cycles of a `when`: that it is sometimes mispredicted included
  double loop = 8;             // cycles to enter a loop and to leave it
  double in_flight = 220;      // instructions among which the core looks for independent ones
  double spill = 1.5;          // cycles for each vector too many, an iteration
  Latency latency;
};

struct Cost {
  double cycles = 0;          // of one launch of one group
  double fp = 0, memory = 0;  // cycles if only arithmetic, or only loads and stores, counted
  double latency = 0;         // of `cycles`: waiting for accumulators
  double spills = 0;          // of `cycles`: for accumulators that have no register
  double overhead = 0;        // of `cycles`: entering and leaving loops
};

Cost cost_of(const LoopTree&, const Core& = {});

}  // namespace shoal::kernel
