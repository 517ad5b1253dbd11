// shoal explain: the schedule that a spec gets, why, and what a step is predicted to cost.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/devices.h"
#include "tools/shoal/command.h"
#include "tools/shoal/program_source.h"

namespace shoal::command {
namespace {

struct ExplainArguments {
  std::string spec, target = "cpu", schedule;
  std::vector<std::string> overrides;
  ProgramRequest request;
};

int explain(const ExplainArguments& arguments) {
  const Spec spec = load_spec(arguments.spec, arguments.overrides);
  const Program program = make_program(spec, arguments.request);
  Options options;
  options.members = arguments.request.members > 0 ? arguments.request.members : spec.population.members;
  options.schedule = arguments.schedule;
  const Target target = on_device([&] { return runtime::target_by_name(arguments.target); });
  const Module module = compile(program.graph, target, options);
  const kernel::Estimate& step = module.per_step;
  const auto members = static_cast<double>(options.members);
  fmt::print("{}\n", spec_summary(spec));
  fmt::print("program    {}, batch {}, {} members on {}\n", arguments.request.kind, program.graph.batch,
             options.members, runtime::target_name(target));
  fmt::print("schedule   {}\n", module.schedule);
  fmt::print("{}", module.why);
  if (!module.why.empty() && module.why.back() != '\n') fmt::print("\n");
  fmt::print("members    padded to a multiple of {}; {} groups\n", module.member_multiple, module.groups);
  fmt::print("a step     {:>14} {:>14}\n", "a member", "the population");
  const auto row = [&](const char* name, double count) {
    fmt::print("  {:<16} {:>8.4g} {:>14.4g}\n", name, count / members, count);
  };
  row("flops", step.flops);
  row("fused", step.fma);
  row("transcendental", step.transcendental);
  row("integer", step.integer);
  row("global bytes", step.global_bytes);
  row("shared bytes", step.shared_bytes);
  row("barriers", step.barriers);
  int64_t bytes = 0;
  for (const Argument& argument : module.arguments) bytes += argument.elements(options.members) * 4;
  fmt::print("memory     {:.4g} MiB of arguments\n", static_cast<double>(bytes) / (1 << 20));
  return exit_ok;
}

}  // namespace

void add_explain(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("explain", "The schedule chosen for a spec, why, and predicted counts");
  const auto arguments = std::make_shared<ExplainArguments>();
  command->add_option("SPEC", arguments->spec, "the spec, a JSON file")->required();
  command->add_option("--target", arguments->target, "cpu, x86-64-v3, sm_90, ...")->capture_default_str();
  command->add_option("--program", arguments->request.kind, "forward, train or evaluate")->capture_default_str();
  command->add_option("--members", arguments->request.members, "population size; default: the spec's")
      ->check(CLI::PositiveNumber);
  command->add_option("--samples", arguments->request.samples, "samples of the data set; default: of the spec's data")
      ->check(CLI::PositiveNumber);
  command->add_option("--batch", arguments->request.batch, "default: the spec's; 1 for forward")
      ->check(CLI::PositiveNumber);
  command->add_option("--set", arguments->overrides, "changes a value of the spec: optimizer.lr=0.01")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--schedule", arguments->schedule, "this schedule instead of the chosen one");
  command->callback([arguments, &action] { action = [arguments](const Settings&) { return explain(*arguments); }; });
}

}  // namespace shoal::command
