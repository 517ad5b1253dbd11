// Session: the device of a command with its kernel cache, and where dumps go.
#pragma once

#include <memory>
#include <string>

#include "runtime/cache.h"
#include "runtime/device.h"
#include "runtime/population_program.h"
#include "runtime/settings.h"

namespace shoal::command {

class Session {
 public:
  // `device` and `threads` from the command line; empty and 0: from the settings.
  Session(const Settings&, const std::string& device, int threads);
  Device& device() { return *device_; }
  const DiskCache& cache() const { return cache_; }
  DiskCache& cache() { return cache_; }

  // Writes the program's dump folder if SHOAL_DUMP_DIR asks for it.
  void dump(const runtime::PopulationProgram&, const std::string& spec_json) const;

 private:
  Settings settings_;
  DiskCache cache_;
  std::unique_ptr<Device> device_;
};

std::string load_source_name(LoadReport::Source);  // "compiled", "memory", "disk cache"

}  // namespace shoal::command
