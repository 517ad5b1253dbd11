// Candidates by prediction, times by the clock, the winner as text in the cache.
#include "runtime/tune.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <vector>

#include "compiler/graph/text.h"
#include "compiler/make_plan.h"
#include "compiler/rank.h"
#include "compiler/support/error.h"
#include "runtime/population.h"
#include "runtime/population_program.h"

namespace shoal::runtime {
namespace {

constexpr size_t most_measured = 4;
constexpr int rounds = 2, measurements = 3;  // the least time counts: what disturbs a measurement only adds to it
constexpr double seconds_of_measurement = 0.02;

// All that can change which schedule is the fastest, but for what else the machine does.
CacheKey key_of(const Device& device, int64_t members, const Program& program) {
  const Target t = device.target();
  return {fmt::format(
      "shoal tuned schedule 1\ndevice {}\ncpu {} {}\nsm {}\nlanes {} registers {} workers {} teams {}\n"
      "caches {} {} {} {}\nmembers {}\nprogram {}\n{}",
      device.description(), t.cpu.cpu, t.cpu.features, t.sm, t.lanes, t.registers, t.workers, t.teams, t.l1_bytes,
      t.l2_bytes, t.l3_bytes, t.shared_bytes, members, program_kind_name(program.kind), print(program.graph))};
}

// The remembered schedule, if it still serves the program.
std::optional<std::string> recall(const Device& device, const Program& program, const CacheKey& key,
                                  KernelCache* memory) {
  const std::optional<std::string> text = memory ? memory->find(key) : std::nullopt;
  if (!text) return std::nullopt;
  try {
    const Target target = device.target();
    const plan::Schedule schedule = plan::parse_schedule(*text, target.lanes);
    make_plan(program.graph, schedule, target);
    return print(schedule);
  } catch (const SpecError&) {
    return std::nullopt;
  }
}

double seconds_of(PopulationProgram& program, bool steps, int64_t times) {
  const auto start = std::chrono::steady_clock::now();
  if (steps) {
    program.launch(times, 0);
  } else {
    for (int64_t i = 0; i < times; ++i) program.launch(1, 0);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The least time of a step of all members, measured on a population that is thrown away.
double measure(Device& device, int64_t members, const Program& program, const std::string& schedule) {
  Population scratch(device, members);
  PopulationProgram compiled(scratch, program, schedule);
  scratch.initialize(program.parameters, 1);
  const bool steps = !compiled.module().scalars.empty();
  seconds_of(compiled, steps, 1);  // touches all memory
  const double once = std::max(1e-7, seconds_of(compiled, steps, 1));
  const auto times = static_cast<int64_t>(std::clamp(seconds_of_measurement / once, 1.0, 1e5));
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < measurements; ++i)
    least = std::min(least, seconds_of(compiled, steps, times) / static_cast<double>(times));
  return least;
}

}  // namespace

Tuned tune(Device& device, int64_t members, const Program& program, KernelCache* memory) {
  const CacheKey key = key_of(device, members, program);
  if (const std::optional<std::string> known = recall(device, program, key, memory))
    return {*known, true, fmt::format("tuned: {} (remembered)\n", *known)};
  std::vector<Ranked> candidates = rank(program.graph, device.target(), members);
  candidates.resize(std::min(candidates.size(), most_measured));
  std::vector<double> least(candidates.size(), std::numeric_limits<double>::infinity());
  for (int round = 0; round < rounds; ++round)
    for (size_t c = 0; c < candidates.size(); ++c)
      least[c] = std::min(least[c], measure(device, members, program, print(candidates[c].candidate.schedule)));
  const auto best = static_cast<size_t>(std::min_element(least.begin(), least.end()) - least.begin());
  Tuned tuned{.schedule = print(candidates[best].candidate.schedule), .remembered = false, .report = {}};
  for (size_t c = 0; c < candidates.size(); ++c)
    tuned.report += fmt::format(
        "measured: {:.4g} ns a member-step, predicted {:.4g}: {}\n", least[c] * 1e9 / static_cast<double>(members),
        candidates[c].prediction.ns / static_cast<double>(members), print(candidates[c].candidate.schedule));
  tuned.report += fmt::format("tuned: {}\n", tuned.schedule);
  if (memory) memory->store(key, tuned.schedule);
  return tuned;
}

}  // namespace shoal::runtime
