// Sizes such as "512K" from the folders of cpu0's caches.
#include "runtime/cpu/host_caches.h"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>

namespace shoal::cpu {
namespace {

std::string word_of(const std::filesystem::path& path) {
  std::string word;
  std::ifstream(path) >> word;
  return word;
}

// 0 for what is no size.
int64_t bytes_of(const std::string& text) {
  int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return 0;
  const std::string unit(rest, text.data() + text.size());
  if (unit == "K") return number << 10;
  if (unit == "M") return number << 20;
  return unit.empty() ? number : 0;
}

int64_t asked(int name) {
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : 0;
}

}  // namespace

HostCaches host_caches(const std::string& folder) {
  HostCaches caches;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const std::filesystem::path& cache = entry.path();
    if (!cache.filename().string().starts_with("index") || word_of(cache / "type") == "Instruction") continue;
    const std::string level = word_of(cache / "level");
    const int64_t bytes = bytes_of(word_of(cache / "size"));
    if (level == "1") caches.l1_bytes = bytes;
    if (level == "2") caches.l2_bytes = bytes;
    if (level == "3") caches.l3_bytes = bytes;
  }
  if (caches.l1_bytes > 0) return caches;
  return {asked(_SC_LEVEL1_DCACHE_SIZE), asked(_SC_LEVEL2_CACHE_SIZE), asked(_SC_LEVEL3_CACHE_SIZE)};
}

}  // namespace shoal::cpu
