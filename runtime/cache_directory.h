// The folder of the disk cache: opening it with its permissions checked, and reading, writing, listing its files.
// Functions take the folder's descriptor and never throw for what the file system does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shoal {

// Makes the folder if needed (mode 0700) and opens it; -1, with the reason in `problem`, when it cannot be trusted or
// used.
int open_cache_directory(const std::filesystem::path&, std::string& problem);

// The content of a regular file of at most `limit` bytes that this user owns and nobody else may write. Marks it as
// used now.
std::optional<std::string> read_cache_file(int directory, const std::string& name, int64_t limit);

// Private temporary file, fsync, rename, fsync of the folder. False when any of it fails; then nothing is left behind.
bool write_cache_file(int directory, const std::string& name, std::string_view content);

void remove_cache_file(int directory, const std::string& name);

struct CacheFile {
  std::string name;
  int64_t bytes = 0, used_seconds = 0, used_nanoseconds = 0;
};

// The entries, in no order. Temporary files that a crash left behind an hour ago or longer are removed.
std::vector<CacheFile> list_cache_files(int directory);

}  // namespace shoal
