// The driver of choose: each candidate is planned and lowered, its kernel is counted, and the counts are ranked.
#include "compiler/rank.h"

#include <fmt/format.h>

#include <vector>

#include "compiler/lower/lower.h"
#include "compiler/make_plan.h"
#include "compiler/plan/choose.h"
#include "compiler/rank_gpu.h"

namespace shoal {
namespace {

plan::Machine machine_of(const Target& t) {
  return {.lanes = t.lanes,
          .registers = t.registers,
          .l1_bytes = t.l1_bytes,
          .l2_bytes = t.l2_bytes,
          .shared_bytes = t.shared_bytes,
          .workers = t.workers,
          .teams = t.teams};
}

plan::Counts counts_of(const Graph& graph, const plan::Schedule& schedule, const Target& target, int64_t members) {
  const plan::Plan p = make_plan(graph, schedule, target);
  const kernel::Kernel k = lower::lower(p);
  const kernel::Estimate e = kernel::estimate(k, std::vector<int32_t>(k.scalars.size(), 1));
  const int64_t in_group = schedule.members_of_group();
  return {
      .instructions = e.instructions,
      .scattered = e.scattered,
      .global_bytes = e.global_bytes,
      .temporary_bytes =
          p.loops.empty() ? 0 : 4.0 * static_cast<double>(p.shared_size * schedule[plan::PopulationAxis::member].lane),
      .groups = (members + in_group - 1) / in_group,
      .barriers = e.barriers,
      .steps = !k.scalars.empty()};
}

}  // namespace

Choice choose_schedule(const Graph& graph, const Target& target, const Options& options) {
  if (!options.schedule.empty()) return {plan::parse_schedule(options.schedule, target.lanes), "given\n"};
  if (target.kind == Target::Kind::cuda) return choose_gpu_schedule(graph, target, options.members);
  const plan::Machine machine = machine_of(target);
  const std::vector<plan::Candidate> candidates = plan::candidates(graph, options.members, machine);
  if (candidates.size() == 1) return {candidates[0].schedule, candidates[0].name + "\n"};
  Choice choice;
  const plan::Candidate* best = nullptr;
  double best_ns = 0;
  for (const plan::Candidate& c : candidates) {
    const plan::Prediction p = plan::predict(c, counts_of(graph, c.schedule, target, options.members), machine);
    choice.why += fmt::format("{}: predicted {:.4g} ns a member-step ({})\n", c.name,
                              p.ns / static_cast<double>(options.members), p.terms);
    if (!best || p.ns < best_ns) best = &c, best_ns = p.ns;
  }
  choice.why += fmt::format("chosen: {}\n", best->name);
  choice.schedule = best->schedule;
  return choice;
}

}  // namespace shoal
