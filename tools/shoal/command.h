// What the subcommands of `shoal` share: exit codes, and one function each that adds itself to the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <utility>

#include "compiler/support/error.h"
#include "runtime/settings.h"

namespace shoal::command {

enum ExitCode : int {
  exit_ok = 0,
  exit_internal = 1,       // a fault of shoal itself
  exit_usage = 2,          // the command line, the spec or the data cannot be used
  exit_device = 3,         // no such device, out of its memory, or a compiler refused
  exit_io = 4,             // a file could not be read or written
  exit_interrupted = 130,  // Ctrl-C; a checkpoint was written when there is a run directory
};

// A RuntimeError that came from a device rather than from a file.
struct DeviceFailure : Error {
  using Error::Error;
};

// Runs what touches devices but no files, so that its RuntimeErrors get their own exit code.
template <typename F>
auto on_device(F&& work) {
  try {
    return std::forward<F>(work)();
  } catch (const RuntimeError& error) {
    throw DeviceFailure(error.what());
  }
}

// A subcommand stores what is to be done, and main does it after the whole command line has been read.
using Action = std::function<int(const Settings&)>;

void add_train(CLI::App&, Action&);
void add_predict(CLI::App&, Action&);
void add_evaluate(CLI::App&, Action&);
void add_dump(CLI::App&, Action&);
void add_explain(CLI::App&, Action&);
void add_devices(CLI::App&, Action&);
void add_cache(CLI::App&, Action&);
void add_schema(CLI::App&, Action&);
void add_doc(CLI::App&, Action&);
void add_bench(CLI::App&, Action&);
void add_export(CLI::App&, Action&);

}  // namespace shoal::command
