// Opening the device that the command line or the environment asks for.
#include "tools/shoal/session.h"

#include "compiler/support/error.h"
#include "compiler/support/hash.h"
#include "runtime/devices.h"
#include "runtime/dump.h"
#include "tools/shoal/command.h"
#include "tools/shoal/program_source.h"

namespace shoal::command {

Session::Session(const Settings& settings, const std::string& device, int threads)
    : settings_(settings), cache_({.directory = settings.cache_directory}) {
  runtime::DeviceOptions options;
  options.name = device.empty() ? settings.device : device;
  options.threads = threads > 0 ? threads : settings.threads;
  options.cache = &cache_;
  device_ = on_device([&] { return runtime::open_device(options); });
}

void Session::dump(const runtime::PopulationProgram& program, const std::string& spec_json) const {
  if (settings_.dump_directory.empty()) return;
  // Compiled anew, because of recalled code there are no texts.
  const Module& in_force = program.module();
  const Graph& graph = program.program().graph;
  Options options;
  options.members = in_force.members;
  options.schedule = in_force.schedule;
  const Module module = compile(graph, in_force.target, options);
  runtime::DumpOptions dump;
  dump.spec = spec_json;
  dump.command = reproducing_command(program.program(), module, runtime::target_name(module.target));
  const std::string_view kind = program_kind_name(program.program().kind);
  const std::string folder = fmt::format("{}-{}", kind, hash128(module.source).hex().substr(0, 12));
  runtime::write_dump(settings_.dump_directory / folder, graph, module, dump);
}

std::string load_source_name(LoadReport::Source source) {
  switch (source) {
    case LoadReport::Source::compiled: return "compiled";
    case LoadReport::Source::memory: return "memory";
    case LoadReport::Source::disk: return "disk cache";
  }
  throw InternalError("internal error: a source of code that is none");
}

}  // namespace shoal::command
