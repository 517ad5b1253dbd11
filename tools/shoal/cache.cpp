// shoal cache: what the cache of compiled kernels holds, and emptying it.
#include "runtime/cache.h"

#include <fmt/format.h>

#include "tools/shoal/command.h"

namespace shoal::command {
namespace {

void require_usable(const DiskCache& cache, const Settings& settings) {
  if (settings.cache_directory.empty())
    throw SpecError("cache", "there is no cache directory; set SHOAL_CACHE_DIR, XDG_CACHE_HOME or HOME");
  if (!cache.problem().empty()) throw RuntimeError(cache.problem());
}

int show(const Settings& settings) {
  const DiskCache cache({.directory = settings.cache_directory});
  require_usable(cache, settings);
  const CacheStatistics statistics = cache.statistics();
  fmt::print("{}: {} kernels, {:.2f} MiB\n", settings.cache_directory.string(), statistics.entries,
             static_cast<double>(statistics.bytes) / (1 << 20));
  for (const CacheEntry& entry : cache.list()) fmt::print("{} {:>10}\n", entry.name, entry.bytes);
  return exit_ok;
}

int clear(const Settings& settings) {
  DiskCache cache({.directory = settings.cache_directory});
  require_usable(cache, settings);
  fmt::print("{}: removed {} kernels\n", settings.cache_directory.string(), cache.clear());
  return exit_ok;
}

}  // namespace

void add_cache(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("cache", "The cache of compiled kernels");
  command->require_subcommand(1);
  command->add_subcommand("show", "Lists what it holds")->callback([&action] { action = show; });
  command->add_subcommand("clear", "Removes everything")->callback([&action] { action = clear; });
}

}  // namespace shoal::command
