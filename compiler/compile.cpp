// The whole pipeline, top to bottom: graph -> nests -> plan -> kernel -> source.
#include "compiler/compile.h"

#include <fmt/format.h>

#include <chrono>

#include "compiler/graph/text.h"
#include "compiler/graph/verify.h"
#include "compiler/lower/lower.h"
#include "compiler/plan/choose.h"
#include "compiler/plan/plan.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

// Times a stage and tells the trace.
template <typename Stage, typename Text>
auto run(std::string_view name, Trace* trace, Stage stage, Text text) {
  auto start = std::chrono::steady_clock::now();
  auto result = stage();
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (trace) trace->stage(name, trace->wants_text() ? text(result) : std::string(), seconds);
  return result;
}

plan::Machine machine_of(const Target& t) {
  return {
      t.kind == Target::Kind::cpu, t.lanes, t.registers, t.l1_bytes, t.l2_bytes, t.shared_bytes, t.workers, t.teams};
}

plan::Plan make_plan(const Graph& graph, const plan::Schedule& schedule, const Target& target) {
  bool cpu = target.kind == Target::Kind::cpu;
  plan::check_schedule(schedule, target.lanes, cpu, graph.batch);
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

int64_t members_of_group(const plan::Schedule& schedule) {
  const plan::Spread& member = schedule[plan::PopulationAxis::member];
  return int64_t{member.lane} * member.warp;
}

// The schedule in force and why: the one given, or the candidate whose lowered kernel is predicted to be the fastest.
plan::Schedule choose(const Graph& graph, const Target& target, const Options& options, std::string* why) {
  if (!options.schedule.empty()) {
    *why = "given\n";
    return plan::parse_schedule(options.schedule, target.lanes);
  }
  plan::Machine machine = machine_of(target);
  std::vector<plan::Candidate> candidates = plan::candidates(graph, options.members, machine);
  if (candidates.size() == 1) {
    *why = candidates[0].name + "\n";
    return candidates[0].schedule;
  }
  const plan::Candidate* best = nullptr;
  double best_ns = 0;
  for (const plan::Candidate& c : candidates) {
    kernel::Kernel k = lower::lower(make_plan(graph, c.schedule, target));
    kernel::Estimate e = kernel::estimate(k, std::vector<int32_t>(k.scalars.size(), 1));
    int64_t in_group = members_of_group(c.schedule);
    plan::Prediction p = plan::predict(c,
                                       {.instructions = e.instructions,
                                        .scattered = e.scattered,
                                        .global_bytes = e.global_bytes,
                                        .groups = (options.members + in_group - 1) / in_group,
                                        .barriers = e.barriers,
                                        .steps = !k.scalars.empty()},
                                       machine);
    *why += fmt::format("{}: predicted {:.4g} ns a member-step ({})\n", c.name,
                        p.ns / static_cast<double>(options.members), p.terms);
    if (!best || p.ns < best_ns) best = &c, best_ns = p.ns;
  }
  *why += fmt::format("chosen: {}\n", best->name);
  return best->schedule;
}

std::string header_text(const Graph& graph, const Module& m) {
  std::string target = m.target.kind == Target::Kind::cpu
                           ? fmt::format("{} {}", m.target.cpu.cpu, m.target.cpu.features)
                           : fmt::format("sm_{}", m.target.sm);
  const kernel::Estimate& e = m.per_step;
  return fmt::format(
      "shoal kernel of network '{}'\nschedule: {}\ntarget: {}\nmembers: {}, batch: {}\n"
      "estimate for one step of the population: {:.4g} flops, {:.4g} bytes of global and {:.4g} bytes of shared "
      "memory\n",
      graph.name, m.schedule, target, m.members, graph.batch, e.flops, e.global_bytes, e.shared_bytes);
}

kernel::Estimate scaled(kernel::Estimate e, double factor) {
  for (double* count : {&e.fma, &e.flops, &e.transcendental, &e.integer, &e.global_bytes, &e.shared_bytes,
                        &e.instructions, &e.scattered, &e.barriers})
    *count *= factor;
  return e;
}

void describe_arguments(const plan::Plan& p, Module& m) {
  int64_t block = p.schedule.members_in_lanes() ? m.kernel.lanes : 1;
  for (const plan::PlanArgument& a : p.arguments)
    m.arguments.push_back({a.name, a.role, a.is_output, a.written, a.dtype, a.varies, a.shape,
                           a.varies.sample ? p.batch : 1, a.varies.member ? block : 1});
  if (p.scratch_size > 0)
    m.arguments.push_back({"scratch", Role::state, true, true, DType::f32, {true, false}, {p.scratch_size}, 1, block});
  m.scalars = m.kernel.scalars;
  m.member_multiple = members_of_group(p.schedule);
  m.groups = (m.members + m.member_multiple - 1) / m.member_multiple;
}

}  // namespace

int64_t Argument::elements(int64_t members) const {
  return element_count(shape) * samples * (varies.member ? members : 1);
}

Module compile(const Graph& graph, const Target& target, const Options& options, Trace* trace) {
  if (options.members < 1) throw SpecError("members", fmt::format("expected at least 1, got {}", options.members));
  verify(graph, "input of compile");
  Module m;
  m.target = target;
  m.members = options.members;
  if (trace) trace->stage("graph", trace->wants_text() ? print(graph) : std::string(), 0);
  plan::Schedule schedule = choose(graph, target, options, &m.why);
  plan::Plan p = run(
      "plan", trace, [&] { return make_plan(graph, schedule, target); }, [](const plan::Plan& x) { return print(x); });
  m.schedule = print(p.schedule);
  m.why += p.why;
  m.plan_text = print(p);
  m.kernel = run("kernel", trace, [&] { return lower::lower(p); }, [](const kernel::Kernel& k) { return print(k); });
  kernel::verify(m.kernel, "lower");
  describe_arguments(p, m);
  m.per_step = scaled(kernel::estimate(m.kernel, std::vector<int32_t>(m.kernel.scalars.size(), 1)),
                      static_cast<double>(m.groups));
  m.kernel.header = header_text(graph, m);
  m.source = run(
      "source", trace,
      [&] { return target.kind == Target::Kind::cpu ? emit::llvm(m.kernel, target.cpu) : emit::cuda(m.kernel); },
      [](const std::string& text) { return text; });
  return m;
}

}  // namespace shoal
