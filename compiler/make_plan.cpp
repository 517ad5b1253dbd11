// The passes of planning, and why they stand in this order.
#include "compiler/make_plan.h"

#include "compiler/support/error.h"

namespace shoal {

plan::Plan make_plan(const Graph& graph, const plan::Schedule& schedule, const Target& target) {
  bool cpu = target.kind == Target::Kind::cpu;
  plan::check_schedule(schedule, target.lanes, cpu, target.sm, graph.batch);
  if (!graph.loops.empty() && schedule.chunk && schedule.chunk < graph.batch)
    throw SpecError("schedule", "a recurrent network takes its whole batch through time together: leave out chunk");
  plan::Plan p;
  p.schedule = schedule;
  p.chunk = schedule.chunk ? schedule.chunk : graph.batch;
  p.access = cpu ? 1 : 4;
  int64_t shared_bytes = cpu ? int64_t{1} << 30 : target.shared_bytes;
  // Nests first: what is grouped does not depend on lanes. Then binding, because layouts and places follow the lanes,
  // and what a thread touches alone is known from it.
  plan::make_nests(graph, p.chunk < graph.batch, p);
  plan::bind(p);
  plan::reside(p, shared_bytes);
  plan::relayout(p);
  plan::place(p, shared_bytes, cpu ? 64 : 0);
  plan::verify(p);
  return p;
}

}  // namespace shoal
