// The whole pipeline, top to bottom: graph -> nests -> plan -> kernel -> source.
#include "compiler/compile.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

#include "compiler/graph/text.h"
#include "compiler/graph/verify.h"
#include "compiler/kernel/fold_repeats.h"
#include "compiler/lower/lower.h"
#include "compiler/make_plan.h"
#include "compiler/plan/gpu_machine.h"
#include "compiler/rank.h"
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

// The precision of a schedule that says nothing else.
std::optional<Precision> permission_of(std::string_view schedule) {
  constexpr std::string_view key = "precision=";
  if (!schedule.starts_with(key) || schedule.find(' ') != std::string::npos) return {};
  return parse_precision(schedule.substr(key.size()), "schedule");
}

std::string source_of(const kernel::Kernel& k, const Target& target) {
  if (target.kind == Target::Kind::cpu) return emit::llvm(k, target.cpu);
  const plan::GpuMachine machine = plan::gpu_machine(target.sm, target.workers, target.shared_bytes);
  return emit::cuda(k, plan::blocks_of_any_registers(machine, k.warps * k.lanes, k.shared_elements * 4));
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
                        &e.instructions, &e.scattered, &e.barriers, &e.mma})
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
  m.member_multiple = p.schedule.members_of_group();
  m.groups = (m.members + m.member_multiple - 1) / m.member_multiple;
}

// LLVM code calls a function for each of its repeats (emit/llvm_repeats.h), wherever their arrays stand.
kernel::Kernel lowered(const plan::Plan& p, const Target& target) {
  kernel::Kernel k = lower::lower(p);
  if (target.kind == Target::Kind::cuda) kernel::fold_repeats(k);
  return k;
}

}  // namespace

int64_t Argument::elements(int64_t members) const {
  return element_count(shape) * samples * (varies.member ? members : 1);
}

Module compile(const Graph& graph, const Target& target, const Options& options, Trace* trace) {
  if (const std::optional<Precision> permission = permission_of(options.schedule)) {
    Graph permitting = graph;
    permitting.permits.precision = *permission;
    return compile(permitting, target, {.members = options.members}, trace);
  }
  if (options.members < 1) throw SpecError("members", fmt::format("expected at least 1, got {}", options.members));
  verify(graph, "input of compile");
  Module m;
  m.target = target;
  m.members = options.members;
  if (trace) trace->stage("graph", trace->wants_text() ? print(graph) : std::string(), 0);
  Choice choice = choose_schedule(graph, target, options);
  m.why = std::move(choice.why);
  plan::Plan p = run(
      "plan", trace, [&] { return make_plan(graph, choice.schedule, target); },
      [](const plan::Plan& x) { return print(x); });
  m.schedule = print(p.schedule);
  m.why += p.why;
  m.plan_text = print(p);
  m.kernel = run("kernel", trace, [&] { return lowered(p, target); }, [](const kernel::Kernel& k) { return print(k); });
  kernel::verify(m.kernel, "lower");
  describe_arguments(p, m);
  m.per_step = scaled(kernel::estimate(m.kernel, std::vector<int32_t>(m.kernel.scalars.size(), 1)),
                      static_cast<double>(m.groups));
  m.kernel.header = header_text(graph, m);
  m.source =
      run("source", trace, [&] { return source_of(m.kernel, target); }, [](const std::string& text) { return text; });
  return m;
}

}  // namespace shoal
