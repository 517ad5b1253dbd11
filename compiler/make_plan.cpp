// The passes of planning, and why they stand in this order.
#include "compiler/make_plan.h"

#include "compiler/passes/passes.h"

namespace shoal {

namespace {

// The graph as the schedule wants it: what loops over time keep for one another is its choice.
Graph with_stash(const Graph& graph, plan::Stash stash) {
  if (graph.loops.empty() || stash == plan::Stash::store) return graph;
  return dce(cse(recompute(graph)));
}

}  // namespace

plan::Plan make_plan(const Graph& whole, const plan::Schedule& schedule, const Target& target) {
  const Graph graph = with_stash(whole, schedule.stash);
  bool cpu = target.kind == Target::Kind::cpu;
  plan::check_schedule(schedule, target.lanes, cpu, target.sm, graph.batch);
  plan::Plan p;
  p.schedule = schedule;
  p.chunk = schedule.chunk ? schedule.chunk : graph.batch;
  p.access = cpu ? 1 : 4;
  p.fast_math = graph.permits.fast_math && !cpu;
  int64_t shared_bytes = cpu ? int64_t{1} << 30 : target.shared_bytes;
  // Nests first: what is grouped does not depend on lanes. Then binding, because layouts and places follow the lanes,
  // and what a thread touches alone is known from it; the lanes of sums last, which read what others lay out.
  plan::make_nests(graph, p.chunk < graph.batch, p);
  if (cpu) plan::rewrite_nests(p);
  plan::bind(p);
  if (cpu) plan::share_sums(p);
  plan::reside(p, shared_bytes);
  plan::relayout(p);
  plan::place(p, shared_bytes, cpu ? 64 : 0);
  plan::verify(p);
  return p;
}

}  // namespace shoal
