// Compiles every contender, then measures them in turn, so that a slow phase of the machine meets all of them.
#include "tools/bench/regret.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <list>
#include <memory>
#include <set>

#include "frontend/json/spec.h"
#include "runtime/devices.h"
#include "tools/bench/setup.h"

namespace shoal::bench {
namespace {

// A launch that trains takes the members' parameters in and out, so its steps must be some, as they are in use.
constexpr int64_t least_steps = 8;

// Of one thread its processor time, which other work on the machine does not lengthen; of several the clock on the
// wall.
double now(bool one_thread) {
  if (!one_thread) return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// One contender, ready to run.
struct Runner {
  Runner(Device& device, int64_t members, const Program& program, Contender& of, bool trains, bool one)
      : setup(device, members, program, print(of.ranked.candidate.schedule)),
        contender(of),
        train(trains),
        one_thread(one),
        launches(trains ? least_steps : 1) {}

  Setup setup;
  Contender& contender;
  const bool train, one_thread;
  int64_t launches;  // or steps of one launch
  std::vector<double> ns;

  double run() {
    const double start = now(one_thread);
    if (train)
      setup.program.launch(launches, 0);
    else
      for (int64_t i = 0; i < launches; ++i) setup.program.launch(1, 0);
    return now(one_thread) - start;
  }

  void warm_up(double seconds) {
    run();
    for (double taken = run(); taken < seconds / 2 && launches < 1 << 20; taken = run())
      launches = std::max(launches + 1, static_cast<int64_t>(static_cast<double>(launches) *
                                                             std::min(8.0, seconds / std::max(taken, 1e-7))));
  }

  double least() const { return *std::min_element(ns.begin(), ns.end()); }

  void measure() {
    const double steps = static_cast<double>(launches) * static_cast<double>(setup.population.members());
    ns.push_back(run() * 1e9 / steps);
  }
};

}  // namespace

const Contender& Regret::best() const {
  return *std::min_element(contenders.begin(), contenders.end(),
                           [](const Contender& a, const Contender& b) { return a.ns < b.ns; });
}

double Regret::ratio() const { return contenders.front().ns / best().ns; }

Regret regret_of(const Work& work, const RegretRequest& request) {
  const Spec spec = read_spec(work.spec, work.name);
  const auto device = runtime::open_device({.name = request.device, .threads = request.threads});
  const Program program = program_of(work, spec);
  Regret regret;
  regret.name = work.name;
  regret.members = spec.population.members;
  regret.batch = program.graph.batch;
  const double start = now(true);
  std::vector<Ranked> considered = rank(program.graph, device->target(), regret.members);
  regret.choose_ms = (now(true) - start) * 1e3;
  std::set<std::string> seen;
  for (Ranked& r : considered) {
    seen.insert(print(r.candidate.schedule));
    regret.contenders.push_back({std::move(r), true});
  }
  for (Ranked& r : rank_wider(program.graph, device->target(), regret.members))
    if (seen.insert(print(r.candidate.schedule)).second) regret.contenders.push_back({std::move(r), false});
  std::list<Runner> runners;
  for (Contender& c : regret.contenders) {
    runners.emplace_back(*device, regret.members, program, c, work.train, request.threads == 1);
    runners.back().warm_up(request.seconds);
  }
  for (int round = 0; round < request.rounds; ++round)
    for (Runner& runner : runners) runner.measure();
  double fastest = runners.front().least();
  for (const Runner& runner : runners) fastest = std::min(fastest, runner.least());
  std::vector<Runner*> finalists;
  for (Runner& runner : runners)
    if (&runner == &runners.front() || runner.least() < fastest * request.close) finalists.push_back(&runner);
  for (int round = 0; round < request.final_rounds; ++round)
    for (Runner* runner : finalists) runner->measure();
  for (Runner& runner : runners) runner.contender.ns = runner.least();
  return regret;
}

}  // namespace shoal::bench
