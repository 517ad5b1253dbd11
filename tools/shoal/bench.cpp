// shoal bench: the named works, measured against the machine's own ceilings.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "runtime/devices.h"
#include "tools/bench/ceilings.h"
#include "tools/bench/compile_times.h"
#include "tools/bench/measure.h"
#include "tools/bench/pairs.h"
#include "tools/bench/regret.h"
#include "tools/shoal/command.h"

namespace shoal::command {
namespace {

struct BenchArguments {
  std::vector<std::string> works;
  bench::Request request;
  bool json = false, list = false, ceilings = false, compile = false, regret = false;
  int pairs = 1000, from = 0;  // of the regret report
};

void print_row(const bench::Measurement& m) {
  const bool threads = m.ns_one_thread > 0;
  fmt::print("{:<13} {:>7} {:>5} {:>12.2f} {:>12} {:>8} {:>9.1f} {:>8.0f} % ", m.name, m.members, m.batch, m.ns,
             threads ? fmt::format("{:.1f}", m.ns_one_thread) : "-",
             threads ? fmt::format("{:.2f}", m.ns_one_thread / m.ns) : "-", m.useful_gflops, 100 * m.peak_fraction);
  fmt::print("{:>8} ", m.memory_fraction > 0 ? fmt::format("{:.0f} %", 100 * m.memory_fraction) : "-");
  fmt::print("{:>7.0f} {:>9.1e}  {}\n", m.front_ms + m.back_ms, m.error, m.schedule);
  std::fflush(stdout);
}

nlohmann::ordered_json to_json(const bench::Measurement& m) {
  return {{"work", m.name},
          {"device", m.device},
          {"members", m.members},
          {"batch", m.batch},
          {"parameters", m.parameters},
          {"ns_per_member_step", m.ns},
          {"ns_per_member_step_one_thread", m.ns_one_thread},
          {"useful_gflops", m.useful_gflops},
          {"fma_peak_fraction", m.peak_fraction},
          {"memory_fraction", m.memory_fraction},
          {"compile_ms", m.front_ms + m.back_ms},
          {"error_of_distance_trained", m.error},
          {"schedule", m.schedule},
          {"why", m.why}};
}

int run_ceilings(const BenchArguments& arguments) {
  const std::string& name = arguments.request.device;
  const auto device = runtime::open_device(
      {.name = name.empty() ? bench::default_device() : name, .threads = arguments.request.threads});
  bench::CeilingMeter meter(*device);
  meter.fma_gflops();  // warms up
  nlohmann::ordered_json row{{"device", device->description()},
                             {"fma_gflops", meter.fma_gflops()},
                             {"memory_bytes_per_ns", meter.memory_bytes_per_ns()}};
  if (device->target().kind == Target::Kind::cuda) {
    const auto loads = meter.shared_loads();
    row["shared_load_16_bytes"] = {{"lanes_i_and_i_xor_1", loads.neighbours},
                                   {"lanes_i_and_i_xor_2", loads.every_other},
                                   {"all_lanes", loads.all}};
    row["shared_load_model"] = std::max(loads.neighbours, loads.every_other) < 0.75 ? "merge" : "return";
  }
  fmt::print("{}\n", row.dump(2));
  return exit_ok;
}

void expect_known(const std::vector<std::string>& names, const std::vector<bench::Work>& works) {
  for (const std::string& name : names)
    if (std::none_of(works.begin(), works.end(), [&](const bench::Work& work) { return work.name == name; }))
      throw SpecError("bench", fmt::format("no work '{}'; see shoal bench --list", name));
}

int run_compile_times(const BenchArguments& arguments) {
  const bench::Request& request = arguments.request;
  const std::string device = request.device.empty() ? bench::default_device() : request.device;
  std::vector<bench::Work> works = bench::all_works();
  works.push_back(bench::largest_promised());
  expect_known(arguments.works, works);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  if (!arguments.json)
    fmt::print("{:<16} {:>7} {:>9} {:>10} {:>9} {:>9} {:>10}  schedule\n", "work, in ms", "members", "to graph",
               "to source", "to code", "recalled", "in memory");
  for (const bench::Work& work : works) {
    const auto& wanted = arguments.works;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), work.name) == wanted.end()) continue;
    const bench::CompileTimes t = on_device([&] {
      return bench::compile_times(work, device, request.schedule, request.members, std::max(2, request.repetitions));
    });
    if (arguments.json)
      rows.push_back({{"work", t.name},
                      {"members", t.members},
                      {"graph_ms", t.graph},
                      {"source_ms", t.source},
                      {"code_ms", t.code},
                      {"recalled_ms", t.recalled},
                      {"in_memory_ms", t.known},
                      {"schedule", t.schedule}});
    else
      fmt::print("{:<16} {:>7} {:>9.2f} {:>10.1f} {:>9.1f} {:>9.2f} {:>10.2f}  {}\n", t.name, t.members, t.graph,
                 t.source, t.code, t.recalled, t.known, t.schedule);
    std::fflush(stdout);
  }
  if (arguments.json) fmt::print("{}\n", rows.dump(2));
  return exit_ok;
}

nlohmann::ordered_json to_json(const bench::Regret& r) {
  nlohmann::ordered_json contenders = nlohmann::ordered_json::array();
  for (const bench::Contender& c : r.contenders)
    contenders.push_back({{"schedule", print(c.ranked.candidate.schedule)},
                          {"considered", c.considered},
                          {"ns_per_member_step", c.ns},
                          {"predicted_ns", c.ranked.prediction.ns / static_cast<double>(r.members)},
                          {"terms", c.ranked.prediction.terms}});
  return {{"pair", r.name},      {"members", r.members},     {"batch", r.batch},
          {"regret", r.ratio()}, {"choose_ms", r.choose_ms}, {"contenders", contenders}};
}

void print_row(const bench::Regret& r) {
  const bench::Contender &chosen = r.contenders.front(), &best = r.best();
  fmt::print("{:<28} {:>6.2f} {:>9.1f} {:>11.1f} {:>11.1f} {:>3}  {}", r.name, r.ratio(), r.choose_ms, chosen.ns,
             chosen.ranked.prediction.ns / static_cast<double>(r.members), r.contenders.size(),
             print(chosen.ranked.candidate.schedule));
  if (&best != &chosen)
    fmt::print("  best{}: {}", best.considered ? "" : " (not considered)", print(best.ranked.candidate.schedule));
  fmt::print("\n");
  std::fflush(stdout);
}

int run_regret(const BenchArguments& arguments) {
  const std::vector<bench::Work>& pairs = bench::regret_pairs();
  const auto from = std::min(static_cast<size_t>(arguments.from), pairs.size());
  const auto to = std::min(from + static_cast<size_t>(arguments.pairs), pairs.size());
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  if (!arguments.json)
    fmt::print("{:<28} {:>6} {:>9} {:>11} {:>11} {:>3}  chosen\n", "pair", "regret", "choose ms", "ns/step",
               "predicted", "of");
  std::vector<double> ratios;
  bench::RegretRequest request{.threads = arguments.request.threads};
  if (!arguments.request.device.empty()) request.device = arguments.request.device;
  for (size_t i = from; i < to; ++i) {
    const bench::Regret r = bench::regret_of(pairs[i], request);
    ratios.push_back(r.ratio());
    if (arguments.json)
      rows.push_back(to_json(r));
    else
      print_row(r);
  }
  if (arguments.json) fmt::print("{}\n", rows.dump(2));
  if (arguments.json || ratios.empty()) return exit_ok;
  std::sort(ratios.begin(), ratios.end());
  fmt::print("regret of {} pairs: median {:.3f}, worst {:.3f}\n", ratios.size(), ratios[ratios.size() / 2],
             ratios.back());
  return exit_ok;
}

int run_bench(const BenchArguments& arguments) {
  if (arguments.compile) return run_compile_times(arguments);
  if (arguments.regret) return on_device([&] { return run_regret(arguments); });
  if (arguments.ceilings) return on_device([&] { return run_ceilings(arguments); });
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  expect_known(arguments.works, bench::all_works());
  if (!arguments.json && !arguments.list)
    fmt::print("{:<13} {:>7} {:>5} {:>12} {:>12} {:>8} {:>9} {:>10} {:>8} {:>7} {:>9}  schedule\n", "work", "members",
               "batch", "ns/step", "ns, 1 thread", "scaling", "GFLOP/s", "FMA peak", "memory", "ms JIT", "error");
  for (const bench::Work& work : bench::all_works()) {
    const auto& wanted = arguments.works;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), work.name) == wanted.end()) continue;
    if (arguments.list) {
      if (arguments.json)
        rows.push_back({{"work", work.name},
                        {"train", work.train},
                        {"samples", work.samples},
                        {"spec", nlohmann::ordered_json::parse(work.spec)}});
      else
        fmt::print("{} {}\n", work.name, work.spec);
      continue;
    }
    const bench::Measurement m = on_device([&] { return bench::measure(work, arguments.request); });
    if (arguments.json)
      rows.push_back(to_json(m));
    else
      print_row(m);
  }
  if (arguments.json) fmt::print("{}\n", rows.dump(2));
  return exit_ok;
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("bench", "Named works on a device: time, fractions of its ceilings, compile time, error");
  const auto arguments = std::make_shared<BenchArguments>();
  command->add_option("WORK", arguments->works, "names; default: all");
  command->add_option("--schedule", arguments->request.schedule, "schedule text; default: chosen");
  command->add_option("--device", arguments->request.device,
                      "cpu, cpu:x86-64-v3, cuda, ...; default: cpu if it was built in");
  command->add_option("--threads", arguments->request.threads, "of the CPU; default: all cores");
  command->add_option("--members", arguments->request.members, "population size; default: each work's own")
      ->check(CLI::PositiveNumber);
  command->add_option("--seconds", arguments->request.seconds, "of one repetition")->capture_default_str();
  command->add_flag("--ceilings", arguments->ceilings, "only what the device can do at most, as JSON");
  command->add_flag("--compile", arguments->compile,
                    "only compile times: from a spec to code, and recalled from the cache; also of 8x128");
  command->add_option("--repetitions", arguments->request.repetitions, "of each work")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_flag("--regret", arguments->regret,
                    "on a CPU: the chosen schedules against the best found, over many networks and populations");
  command->add_option("--from", arguments->from, "the first pair of --regret")->check(CLI::NonNegativeNumber);
  command->add_option("--pairs", arguments->pairs, "how many pairs of --regret; default: all")
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", arguments->json, "one machine-readable array");
  command->add_flag("--list", arguments->list, "the works' names and specs");
  command->callback([arguments, &action] { action = [arguments](const Settings&) { return run_bench(*arguments); }; });
}

}  // namespace shoal::command
