// The driver of choose: each candidate is planned and lowered, its kernel is counted, and the counts are ranked.
#include "compiler/rank.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/cpu_model.h"
#include "compiler/kernel/cost.h"
#include "compiler/kernel/traffic.h"
#include "compiler/lower/lower.h"
#include "compiler/make_plan.h"
#include "compiler/rank_gpu.h"

namespace shoal {
namespace {

// Steps of the launch that is counted: many, so that what the first one brings into the caches hardly counts.
constexpr int32_t counted_steps = 64;
// Kernel instructions that are lowered to choose: about 20 ms. Variations of candidates are left out beyond.
constexpr size_t most_instructions = 16000;
// By so much a variation must be better than what it varies: the predictions of two tiles differ by less than their
// errors do.
constexpr double doubt = 1.03;

plan::Machine machine_of(const Target& t) {
  return {.lanes = t.lanes,
          .l1_bytes = t.l1_bytes,
          .l2_bytes = t.l2_bytes,
          .l3_bytes = t.l3_bytes,
          .workers = t.workers,
          .teams = t.teams,
          .rates = rates_of(t)};
}

plan::Counts counts_of(const kernel::Kernel& k, const plan::Schedule& schedule, const Target& target, int64_t members) {
  const int64_t in_group = schedule.members_of_group();
  plan::Counts counts;
  counts.groups = (members + in_group - 1) / in_group;
  counts.steps = !k.scalars.empty();
  const double steps = counts.steps ? counted_steps : 1;
  const kernel::LoopTree tree = kernel::loop_tree(k, std::vector<int32_t>(k.scalars.size(), counted_steps));
  const kernel::Cost cost = kernel::cost_of(tree, core_of(target, k.lanes));
  counts.cycles = cost.cycles / steps;
  counts.waiting = cost.latency / steps;
  counts.arithmetic = cost.fp / steps;
  counts.accesses = cost.memory / steps;
  counts.barriers = tree.barriers / steps;
  // Groups that a worker runs in a launch, each of which touches memory of its own.
  const double teams = std::max(1, target.workers / schedule.warps());
  const double own = std::max(1.0, static_cast<double>(counts.groups) / teams);
  const kernel::Traffic traffic(k, tree, own);
  const auto beyond = [&](double bytes) { return traffic.bytes_beyond(bytes) / own / steps; };
  counts.l2_bytes = beyond(static_cast<double>(target.l1_bytes));
  counts.l3_bytes = beyond(static_cast<double>(target.l2_bytes));
  counts.memory_bytes = beyond(static_cast<double>(machine_of(target).own_cache_bytes()));
  return counts;
}

// Candidates as they are lowered and counted, for one graph, target and population.
class Ranking {
 public:
  Ranking(const Graph& graph, const Target& target, int64_t members)
      : graph_(graph), target_(target), members_(members), machine_(machine_of(target)) {}

  void add(plan::Candidate c) {
    const kernel::Kernel k = lower::lower(make_plan(graph_, c.schedule, target_));
    instructions_ += k.code.size();
    const plan::Counts counts = counts_of(k, c.schedule, target_, members_);
    const plan::Prediction prediction = plan::predict(c, counts, machine_);
    list_.push_back({std::move(c), counts, prediction});
  }

  void sort() {
    const auto doubtful_ns = [](const Ranked& r) { return r.prediction.ns * (r.candidate.optional ? doubt : 1); };
    std::stable_sort(list_.begin(), list_.end(),
                     [&](const Ranked& a, const Ranked& b) { return doubtful_ns(a) < doubtful_ns(b); });
  }

  // Variations of the candidates so far, those of the fastest one first.
  void vary() {
    sort();
    const std::vector<Ranked> bases = list_;
    for (const Ranked& base : bases)
      for (plan::Candidate& c : plan::variations(base.candidate, graph_, machine_))
        if (instructions_ <= most_instructions) add(std::move(c));
  }

  const plan::Machine& machine() const { return machine_; }
  std::vector<Ranked> take() {
    sort();
    return std::move(list_);
  }

 private:
  const Graph& graph_;
  const Target& target_;
  int64_t members_;
  plan::Machine machine_;
  std::vector<Ranked> list_;
  size_t instructions_ = 0;
};

// ", 12 % more, most of it for memory"; empty for the best one itself.
std::string why_slower(const plan::Prediction& p, const plan::Prediction& best) {
  if (p.ns <= best.ns || p.parts.empty()) return {};
  size_t most = 0;
  const auto more = [&](size_t i) { return p.parts[i].ns - best.parts[i].ns; };
  for (size_t i = 1; i < p.parts.size(); ++i)
    if (more(i) > more(most)) most = i;
  return fmt::format(", {:.0f} % more, most of it for {}", 100 * (p.ns / best.ns - 1), p.parts[most].name);
}

Choice choose_cpu_schedule(const Graph& graph, const Target& target, int64_t members) {
  const std::vector<Ranked> list = rank(graph, target, members);
  Choice choice{list[0].candidate.schedule, {}};
  for (const Ranked& r : list)
    choice.why += fmt::format("{}: predicted {:.4g} ns a member-step{} ({})\n", r.candidate.name,
                              r.prediction.ns / static_cast<double>(members),
                              why_slower(r.prediction, list[0].prediction), r.prediction.terms);
  choice.why += fmt::format("chosen: {}\n", list[0].candidate.name);
  return choice;
}

}  // namespace

std::vector<Ranked> rank(const Graph& graph, const Target& target, int64_t members) {
  Ranking ranking(graph, target, members);
  for (plan::Candidate& c : plan::candidates(graph, members, ranking.machine())) ranking.add(std::move(c));
  ranking.vary();
  return ranking.take();
}

std::vector<Ranked> rank_wider(const Graph& graph, const Target& target, int64_t members) {
  Ranking ranking(graph, target, members);
  for (plan::Candidate& c : plan::wider_candidates(graph, members, ranking.machine())) ranking.add(std::move(c));
  return ranking.take();
}

std::string computed_in_f32(Precision permitted, std::string_view reason) {
  return fmt::format("precision {} is permitted, products are computed in f32: {}\n", precision_name(permitted),
                     reason);
}

Choice choose_schedule(const Graph& graph, const Target& target, const Options& options) {
  const bool permitted = graph.permits.precision != Precision::f32;
  if (!options.schedule.empty()) {
    Choice given{plan::parse_schedule(options.schedule, target.lanes), "given\n"};
    if (permitted && given.schedule.precision == Precision::f32)
      given.why += computed_in_f32(graph.permits.precision, "the schedule given names no other precision");
    return given;
  }
  if (target.kind == Target::Kind::cuda) return choose_gpu_schedule(graph, target, options.members);
  Choice chosen = choose_cpu_schedule(graph, target, options.members);
  if (permitted) chosen.why += computed_in_f32(graph.permits.precision, "a CPU has no tensor cores");
  if (graph.permits.fast_math)
    chosen.why += "fast_math is permitted, exp and tanh are computed as without it: a CPU has no such instructions\n";
  return chosen;
}

}  // namespace shoal
