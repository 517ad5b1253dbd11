// shoal bench: the named works, measured against the machine's own ceilings.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "tools/bench/measure.h"
#include "tools/shoal/command.h"

namespace shoal::command {
namespace {

struct BenchArguments {
  std::vector<std::string> works;
  bench::Request request;
  bool json = false, list = false;
};

void print_row(const bench::Measurement& m) {
  fmt::print("{:<13} {:>7} {:>5} {:>12.1f} {:>12.1f} {:>8.2f} {:>9.1f} {:>8.0f} % ", m.name, m.members, m.batch, m.ns,
             m.ns_one_thread, m.ns_one_thread / m.ns, m.useful_gflops, 100 * m.peak_fraction);
  fmt::print("{:>8} ", m.memory_fraction > 0 ? fmt::format("{:.0f} %", 100 * m.memory_fraction) : "-");
  fmt::print("{:>7.0f} {:>9.1e}  {}\n", m.front_ms + m.back_ms, m.error, m.schedule);
  std::fflush(stdout);
}

nlohmann::ordered_json to_json(const bench::Measurement& m) {
  return {{"work", m.name},
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
          {"schedule", m.schedule}};
}

int run_bench(const BenchArguments& arguments) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const std::string& name : arguments.works) {
    bool known = false;
    for (const bench::Work& work : bench::all_works()) known = known || work.name == name;
    if (!known) throw SpecError("bench", fmt::format("no work '{}'; see shoal bench --list", name));
  }
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
      app.add_subcommand("bench", "Named works on this CPU: time, fractions of its ceilings, compile time, error");
  const auto arguments = std::make_shared<BenchArguments>();
  command->add_option("WORK", arguments->works, "names; default: all");
  command->add_option("--schedule", arguments->request.schedule, "schedule text; default: chosen");
  command->add_option("--threads", arguments->request.threads, "default: all cores");
  command->add_option("--repetitions", arguments->request.repetitions, "of about 0.1 s each")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", arguments->json, "one machine-readable array");
  command->add_flag("--list", arguments->list, "the works' names and specs");
  command->callback([arguments, &action] { action = [arguments](const Settings&) { return run_bench(*arguments); }; });
}

}  // namespace shoal::command
