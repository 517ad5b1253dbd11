// Random small networks with a training step: layers, skips and index juggling of awkward sizes.
#pragma once

#include <cstdint>

#include "compiler/graph/graph.h"

namespace shoal::harness {

// A network of up to `layers` layers drawn from `seed`, its loss, and a step of gradient descent for its parameters;
// simplified as programs are. Fewer layers of one seed are a prefix of more.
Graph random_graph(uint64_t seed, int layers);
// A legal schedule drawn from `seed` for any network: mapping, tile, chunk, unroll, sums, warps, stash.
struct RandomSchedule {
  bool cpu = true;
  int lanes = 8;
  std::string text;
};
RandomSchedule random_schedule(uint64_t seed, int64_t batch);

}  // namespace shoal::harness
