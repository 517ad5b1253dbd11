// Regions: which nodes are computed in which loop over the chunks of a batch, and which between such loops.
#pragma once

#include <vector>

#include "compiler/graph/graph.h"

namespace shoal::plan {

// Even regions lie between chunk loops, odd ones in them: what varies over samples lives in odd ones, what has summed
// over them after those. A loop over time lies in one region as a whole.
struct Regions {
  std::vector<int> computed;   // by node
  std::vector<int> available;  // by node: the first region in which it may be read
};

// `loops` is loop_of(graph); `chunked`: the batch is cut into chunks, else everything is in region 0. Throws SpecError
// (place "schedule") where chunks cannot be: a loop over time sums over the samples in every iteration.
Regions find_regions(const Graph& graph, const std::vector<int32_t>& loops, bool chunked);

}  // namespace shoal::plan
