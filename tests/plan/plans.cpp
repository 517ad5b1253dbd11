// The planning stages in the order of compile().
#include "tests/plan/plans.h"

#include "compiler/graph/text.h"

namespace shoal::test {

plan::Plan plan_for(const Graph& graph, const harness::Mapping& mapping, int64_t shared_bytes) {
  plan::Plan plan;
  int lanes = harness::target_for(mapping).lanes;
  plan.schedule = plan::parse_schedule(harness::schedule_for(mapping, graph), lanes);
  plan::check_schedule(plan.schedule, lanes, mapping.cpu, 80, graph.batch);
  plan.chunk = plan.schedule.chunk ? plan.schedule.chunk : graph.batch;
  plan.access = mapping.cpu ? 1 : 4;
  plan::make_nests(graph, plan.chunk < graph.batch, plan);
  if (mapping.cpu) plan::rewrite_nests(plan);
  plan::bind(plan);
  if (mapping.cpu) plan::share_sums(plan);
  plan::reside(plan, shared_bytes);
  plan::relayout(plan);
  plan::place(plan, shared_bytes);
  plan::verify(plan);
  return plan;
}

plan::Plan plan_for(const Graph& graph, const std::string& schedule) {
  return plan_for(graph, {"given", true, schedule});
}

Graph square_layer(int64_t batch) {
  return parse_graph("graph layer batch=" + std::to_string(batch) +
                     "\n"
                     "x = input(name=\"x\", shape=[64], varies=sample)\n"
                     "w = input(name=\"w\", role=parameter, shape=[64, 64], varies=member)\n"
                     "y = contract(x, w, a=\"k\", b=\"ok\", out=\"o\")\n"
                     "out y = y\n");
}

}  // namespace shoal::test
