// Plans for tests: the planning stages of compile(), and readers of the result.
#pragma once

#include <string>

#include "compiler/graph/graph.h"
#include "compiler/plan/plan.h"
#include "tests/harness/mappings.h"

namespace shoal::test {

// What compile() plans for the graph under the mapping's schedule (a smaller chunk than the batch only).
plan::Plan plan_for(const Graph& graph, const harness::Mapping& mapping, int64_t shared_bytes = int64_t{1} << 30);
// The same under a CPU schedule with eight lanes.
plan::Plan plan_for(const Graph& graph, const std::string& schedule);

// A batch through one product of 64 x 64.
Graph square_layer(int64_t batch);

}  // namespace shoal::test
