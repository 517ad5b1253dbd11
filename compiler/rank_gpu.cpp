// Counts of a candidate's kernel, ranked.
#include "compiler/rank_gpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "compiler/kernel/gpu_counts.h"
#include "compiler/lower/lower.h"
#include "compiler/make_plan.h"
#include "compiler/plan/choose_gpu.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

// Steps of a launch over which what it moves of the state is spread: fewer would be a poor use of the device.
constexpr int64_t steps_of_launch = 64;

// Bytes of a member that one launch reads and writes.
double bytes_in_and_out(const plan::Plan& plan) {
  double bytes = 0;
  for (const plan::PlanArgument& a : plan.arguments) {
    if (!a.varies.member) continue;
    const int64_t elements = element_count(a.shape) * (a.varies.sample ? plan.batch : 1);
    const bool both = a.written && !a.is_output;
    bytes += static_cast<double>(elements * dtype_bytes(a.dtype)) * (both ? 2 : 1);
  }
  return bytes;
}

plan::GpuWork work_of(const plan::Plan& plan, int64_t members) {
  const kernel::Kernel k = lower::lower(plan);
  const bool steps = !k.scalars.empty();
  kernel::GpuCounts counts = kernel::gpu_counts(k, 1);
  if (steps) counts = kernel::gpu_counts(k, 2) - counts;  // without what stands before and after the steps
  const int64_t in_group = plan.schedule.members_of_group();
  return {.issued = counts.issued,
          .floats = counts.floats,
          .integers = counts.integers,
          .special = counts.special,
          .shared_merge = counts.shared_merge,
          .shared_return = counts.shared_return,
          .mma = counts.mma,
          .near_bytes = counts.global_bytes,
          .far_bytes = bytes_in_and_out(plan) / (steps ? steps_of_launch : 1),
          .barriers = counts.barriers,
          .rounds = counts.rounds,
          .warps = k.warps,
          .members = static_cast<int>(in_group),
          .registers = kernel::gpu_registers(k),
          .shared_bytes = k.shared_elements * 4,
          .groups = (members + in_group - 1) / in_group};
}

// Of two tiles that nests are too small for, the kernels are one.
bool same_kernel(const plan::GpuWork& a, const plan::GpuWork& b) {
  return a.issued == b.issued && a.mma == b.mma && a.shared_merge == b.shared_merge && a.registers == b.registers &&
         a.warps == b.warps && a.members == b.members && a.shared_bytes == b.shared_bytes;
}

struct RankedWork {
  const plan::GpuCandidate* candidate;
  plan::GpuWork work;
  plan::GpuPrediction prediction;
};

std::string describe(const RankedWork& r, double best_ns, int64_t members) {
  const plan::GpuPrediction& p = r.prediction;
  const auto each = [&](double ns) { return ns / static_cast<double>(members); };
  std::string text = fmt::format(
      "{}: predicted {:.4g} ns a member-step ({:.4g} if wide loads return lane by lane), limited by {}; about {} "
      "registers, {} bytes of shared memory a group, {:.4g} members a multiprocessor (bound by {})",
      r.candidate->name, each(p.ns), each(p.ns_return), p.limit, r.work.registers, r.work.shared_bytes, p.members,
      p.residents);
  if (p.ns > best_ns) text += fmt::format("; {:.2f} times the best", p.ns / best_ns);
  return text + "\n";
}

// Why the fastest one does without the tensor cores that are permitted.
std::string why_plain(const std::vector<RankedWork>& ranked, int sm) {
  if (std::any_of(ranked.begin(), ranked.end(), [](const RankedWork& r) { return r.work.mma > 0; }))
    return "the ordinary units are predicted to be faster";
  return fmt::format("no contraction is worth padding it to the tiles of tensor cores, or sm_{} has none for it", sm);
}

}  // namespace

Choice choose_gpu_schedule(const Graph& graph, const Target& target, int64_t members) {
  const plan::GpuMachine machine = plan::gpu_machine(target.sm, target.workers, target.shared_bytes);
  const std::vector<plan::GpuCandidate> candidates = plan::gpu_candidates(graph, members, machine);
  std::vector<RankedWork> ranked;
  for (const plan::GpuCandidate& c : candidates) {
    const plan::GpuWork work = work_of(make_plan(graph, c.schedule, target), members);
    if (std::any_of(ranked.begin(), ranked.end(), [&](const RankedWork& r) { return same_kernel(r.work, work); }))
      continue;
    ranked.push_back({&c, work, plan::predict_gpu(work, machine)});
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const RankedWork& a, const RankedWork& b) { return a.prediction.ns < b.prediction.ns; });
  Choice choice;
  choice.schedule = ranked[0].candidate->schedule;
  for (const RankedWork& r : ranked) choice.why += describe(r, ranked[0].prediction.ns, members);
  choice.why += fmt::format("chosen: {}\n", ranked[0].candidate->name);
  if (graph.permits.precision != Precision::f32 && choice.schedule.precision == Precision::f32)
    choice.why += computed_in_f32(graph.permits.precision, why_plain(ranked, target.sm));
  return choice;
}

}  // namespace shoal
