// shoal devices: what can be used on this machine, and why the rest cannot.
#include "runtime/devices.h"

#include <fmt/format.h>

#include "tools/shoal/command.h"

namespace shoal::command {
namespace {

int devices(const Settings& settings) {
  runtime::DeviceOptions options;
  options.threads = settings.threads;
  for (const runtime::DeviceReport& report : runtime::list_devices(options))
    fmt::print("{:<10} {:<4} {}\n", report.name, report.available ? "yes" : "no", report.text);
  return exit_ok;
}

}  // namespace

void add_devices(CLI::App& app, Action& action) {
  app.add_subcommand("devices", "Lists the devices of this machine")->callback([&action] { action = devices; });
}

}  // namespace shoal::command
