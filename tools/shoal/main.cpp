// The command `shoal`: reads the command line, runs one subcommand, turns exceptions into exit codes.
#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <vector>

#include "compiler/ops/field.h"
#include "tools/shoal/command.h"

namespace shoal::command {
namespace {

constexpr const char* footer =
    "Exit codes: 0 done; 1 internal error; 2 command line, spec or data cannot be used; 3 device or compile failure;\n"
    "4 a file cannot be read or written; 130 interrupted, with a checkpoint when there is a run directory.\n"
    "Environment: SHOAL_DEVICE, SHOAL_THREADS, SHOAL_CACHE_DIR, SHOAL_DUMP_DIR, SHOAL_DEBUG.";

int fail(std::string message, ExitCode code) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  fmt::print(stderr, "shoal: error: {}\n", message);
  return code;
}

// What is wrong with the name of a subcommand; CLI11 alone would only say that one is required.
std::string subcommand_problem(const CLI::App& app, const std::string& wanted) {
  std::vector<std::string> names;
  for (const CLI::App* subcommand : app.get_subcommands(std::function<bool(const CLI::App*)>()))
    names.push_back(subcommand->get_name());
  if (std::find(names.begin(), names.end(), wanted) != names.end()) return "";
  const std::string near = nearest_name(wanted, names);
  return fmt::format("no subcommand \"{}\"{} (see shoal --help)", wanted,
                     near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near));
}

int run(int argc, char** argv) {
  CLI::App app("Compiles populations of small neural networks, trains and runs them.", "shoal");
  app.require_subcommand(1);
  app.footer(footer);
  app.set_version_flag("--version", SHOAL_VERSION);
  Action action;
  for (const auto add : {add_train, add_predict, add_evaluate, add_dump, add_explain, add_devices, add_cache,
                         add_schema, add_doc, add_bench})
    add(app, action);
  if (argc > 1 && argv[1][0] != '-')
    if (const std::string problem = subcommand_problem(app, argv[1]); !problem.empty())
      return fail(problem, exit_usage);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);  // --help
    return fail(fmt::format("{} (see shoal --help)", error.what()), exit_usage);
  }
  return action(settings_from_environment());
}

int guarded(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const SpecError& error) {
    return fail(error.what(), exit_usage);
  } catch (const CompileError& error) {
    const int code = fail(error.what(), exit_device);
    fmt::print(stderr, "{}\n{}\n", error.log, error.source);
    return code;
  } catch (const DeviceFailure& error) {
    return fail(error.what(), exit_device);
  } catch (const RuntimeError& error) {
    return fail(error.what(), exit_io);
  } catch (const InternalError& error) {
    // Its IR is needed to mend the fault: kept on its lines.
    fmt::print(stderr, "shoal: error: {}\n", error.what());
    return exit_internal;
  } catch (const std::bad_alloc&) {
    return fail("out of memory", exit_device);
  } catch (const std::exception& error) {
    return fail(fmt::format("internal error: {}", error.what()), exit_internal);
  }
}

}  // namespace
}  // namespace shoal::command

int main(int argc, char** argv) { return shoal::command::guarded(argc, argv); }
