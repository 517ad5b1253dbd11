// shoal export: a network as code for somebody else's kernel.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "runtime/device_header.h"
#include "runtime/devices.h"
#include "runtime/io/atomic_file.h"
#include "tools/shoal/command.h"
#include "tools/shoal/program_source.h"

namespace shoal::command {
namespace {

struct ExportArguments {
  std::string spec, name, target = "sm_80", schedule, out;
  bool device_function = false;
  ProgramRequest request;
  std::vector<std::string> overrides;
};

// The spec's name as an identifier.
std::string identifier(const std::string& name) {
  std::string text;
  for (const char c : name) text += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) ? "network_" + text : text;
}

int export_header(const ExportArguments& arguments) {
  if (!arguments.device_function) throw SpecError("shoal export", "expected --device-function");
  const Spec spec = load_spec(arguments.spec, arguments.overrides);
  Options options;
  options.members = arguments.request.members > 0 ? arguments.request.members : spec.population.members;
  options.schedule = arguments.schedule;
  const Target target = on_device([&] { return runtime::target_by_name(arguments.target); });
  std::vector<runtime::DeviceFunction> functions;
  for (const char* kind : {"forward", "train"}) {
    if (std::string(kind) == "train" && (!spec.model.loss || !spec.model.optimizer)) continue;
    ProgramRequest request = arguments.request;
    request.kind = kind;
    // Each member has an input of its own, one sample.
    Program program = request.kind == "forward" ? forward(spec.model, 1, true) : make_program(spec, request);
    Module module = runtime::compile_for_one_warp(program.graph, target, options);
    functions.push_back({std::move(program), std::move(module)});
  }
  const std::string name = arguments.name.empty() ? identifier(spec.model.name) : arguments.name;
  const std::string text = runtime::device_header(name, functions);
  if (arguments.out.empty())
    fmt::print("{}", text);
  else
    io::write_file(arguments.out, text);
  return exit_ok;
}

}  // namespace

void add_export(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("export", "Writes a network as code for programs of your own");
  const auto arguments = std::make_shared<ExportArguments>();
  command->add_option("SPEC", arguments->spec, "the spec, a JSON file")->required();
  command->add_flag("--device-function", arguments->device_function,
                    "a header with __device__ functions: evaluate a member, and train it");
  command->add_option("--name", arguments->name, "opens the functions' names; default: the spec's name");
  command->add_option("--target", arguments->target, "sm_80, sm_90, ...")->capture_default_str();
  command->add_option("--members", arguments->request.members, "population size; default: the spec's")
      ->check(CLI::PositiveNumber);
  command->add_option("--samples", arguments->request.samples, "samples of the data set; default: of the spec's data")
      ->check(CLI::PositiveNumber);
  command->add_option("--batch", arguments->request.batch, "of training; default: the spec's")
      ->check(CLI::PositiveNumber);
  command->add_option("--schedule", arguments->schedule, "of one warp, as text; default: chosen");
  command->add_option("--set", arguments->overrides, "changes a value of the spec: optimizer.lr=0.01")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--out", arguments->out, "the header to write; default: standard output");
  command->callback(
      [arguments, &action] { action = [arguments](const Settings&) { return export_header(*arguments); }; });
}

}  // namespace shoal::command
