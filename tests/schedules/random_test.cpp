// Random networks with a training step under random schedules, by the interpreter with race detection, against the
// evaluator.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "compiler/graph/text.h"
#include "tests/harness/mappings.h"
#include "tests/harness/random_graph.h"
#include "tests/harness/run_module.h"

namespace shoal {
namespace {

// Empty when all is well, else what differs.
std::string problem_of(uint64_t seed, int layers) {
  Graph graph = harness::random_graph(seed, layers);
  harness::RandomSchedule schedule = harness::random_schedule(seed, graph.batch);
  Target target = harness::target_for({"", schedule.cpu, ""});
  Evaluation e = harness::random_inputs(graph, 1 + static_cast<int64_t>(seed % 4), seed);
  std::string where;
  try {
    Module m = compile(graph, target, {.members = e.members, .schedule = schedule.text});
    auto got = harness::run_module(m, graph, e, 1, harness::in_interpreter(seed));
    // f32 rounding of sums of up to a few hundred terms through up to five layers.
    if (harness::worst_error(got, harness::run_reference(graph, e, 1), 5e-5, 5e-5, &where) <= 1) return {};
  } catch (const std::exception& error) {
    where = error.what();
  }
  return fmt::format("seed {}, {} layers, schedule {}: {}\n{}", seed, layers, schedule.text, where, print(graph));
}

TEST(RandomNetworks, AgreeWithTheEvaluatorUnderRandomSchedules) {
  for (uint64_t seed = 0; seed < 150; ++seed) {
    if (problem_of(seed, 4).empty()) continue;
    int layers = 0;  // the smallest network of this seed that still fails
    while (problem_of(seed, layers).empty()) ++layers;
    FAIL() << problem_of(seed, layers);
  }
}

}  // namespace
}  // namespace shoal
