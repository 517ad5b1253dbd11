// shoal dump: any stage of a program's compilation, or all of them in a folder.
#include "runtime/dump.h"

#include <fmt/format.h>

#include <memory>

#include "compiler/graph/text.h"
#include "runtime/devices.h"
#include "tools/shoal/command.h"
#include "tools/shoal/program_source.h"

namespace shoal::command {
namespace {

struct DumpArguments {
  std::string spec, stage, target, schedule, folder;
  ProgramRequest request;
  std::vector<std::string> overrides;
};

// The target that a stage implies when none is named.
std::string target_of(const DumpArguments& arguments) {
  if (!arguments.target.empty()) return arguments.target;
  return arguments.stage == "cuda" || arguments.stage == "ptx" ? "sm_80" : "cpu";
}

void expect_kind(const std::string& stage, Target::Kind wanted, const Target& target) {
  if (target.kind == wanted) return;
  throw SpecError("--target", fmt::format("stage {} needs {}, got {}", stage,
                                          wanted == Target::Kind::cpu ? "a CPU target such as x86-64-v3"
                                                                      : "a GPU target such as sm_80",
                                          runtime::target_name(target)));
}

std::string stage_text(const std::string& stage, const Module& module) {
  if (stage == "plan") return module.plan_text;
  if (stage == "kernel") return kernel::print(module.kernel);
  if (stage == "cuda" || stage == "ptx") expect_kind(stage, Target::Kind::cuda, module.target);
  if (stage == "llvm" || stage == "asm") expect_kind(stage, Target::Kind::cpu, module.target);
  if (stage == "cuda" || stage == "llvm") return module.source;
  return on_device([&] { return runtime::assembly_text(module); });
}

int dump(const DumpArguments& arguments) {
  const Spec spec = load_spec(arguments.spec, arguments.overrides);
  if (arguments.stage.empty() && arguments.folder.empty())
    throw SpecError("shoal dump", "expected --stage or --all DIR");
  const Program program = make_program(spec, arguments.request);
  if (arguments.stage == "graph" && arguments.folder.empty()) {
    fmt::print("{}", print(program.graph));
    return exit_ok;
  }
  Options options;
  options.members = arguments.request.members > 0 ? arguments.request.members : spec.population.members;
  options.schedule = arguments.schedule;
  const Module module =
      on_device([&] { return compile(program.graph, runtime::target_by_name(target_of(arguments)), options); });
  if (!arguments.folder.empty()) {
    runtime::DumpOptions how;
    how.spec = to_json(spec);
    how.command = reproducing_command(program, module, target_of(arguments));
    runtime::write_dump(arguments.folder, program.graph, module, how);
  }
  if (arguments.stage == "graph")
    fmt::print("{}", print(program.graph));
  else if (!arguments.stage.empty())
    fmt::print("{}", stage_text(arguments.stage, module));
  return exit_ok;
}

}  // namespace

void add_dump(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("dump", "Prints a stage of the compilation");
  const auto arguments = std::make_shared<DumpArguments>();
  command->add_option("SPEC", arguments->spec, "the spec, a JSON file")->required();
  command->add_option("--program", arguments->request.kind, "forward, train or evaluate")->capture_default_str();
  command->add_option("--stage", arguments->stage, "what to print")
      ->check(CLI::IsMember({"graph", "plan", "kernel", "cuda", "llvm", "asm", "ptx"}));
  command->add_option("--target", arguments->target,
                      "cpu, x86-64-v3, aarch64, sm_90, ...; default: cpu, or sm_80 for cuda and ptx");
  command->add_option("--members", arguments->request.members, "population size; default: the spec's")
      ->check(CLI::PositiveNumber);
  command->add_option("--samples", arguments->request.samples, "samples of the data set; default: of the spec's data")
      ->check(CLI::PositiveNumber);
  command->add_option("--batch", arguments->request.batch, "default: the spec's; 1 for forward")
      ->check(CLI::PositiveNumber);
  command->add_option("--schedule", arguments->schedule, "how axes are mapped, as text; default: chosen");
  command->add_option("--set", arguments->overrides, "changes a value of the spec: optimizer.lr=0.01")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--all", arguments->folder, "writes all stages into this folder");
  command->callback([arguments, &action] { action = [arguments](const Settings&) { return dump(*arguments); }; });
}

}  // namespace shoal::command
