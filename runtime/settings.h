// Settings: what the environment says, read once by whoever starts the runtime and handed on as a value.
#pragma once

#include <filesystem>
#include <string>

namespace shoal {

struct Settings {
  int debug = 0;                         // SHOAL_DEBUG, 0 to 5
  std::filesystem::path dump_directory;  // SHOAL_DUMP_DIR; empty: no dumps
  std::filesystem::path
      cache_directory;  // SHOAL_CACHE_DIR, else XDG_CACHE_HOME/shoal, else HOME/.cache/shoal; empty: none
  std::string device;   // SHOAL_DEVICE: "reference", "cpu", "cuda", ... (runtime/devices.h); empty: the best there is
  int threads = 0;      // SHOAL_THREADS, 1 to 4096; 0: as many as there are cores
};

// Throws SpecError, opened by the variable's name, for a value that cannot be used.
Settings settings_from_environment();

}  // namespace shoal
