// DiskCache: machine code kept between processes, in a private directory, with the newest part also in memory.
//
// Entries are executable code, so that whoever can write the directory can run code as its owner. Hence a directory
// that belongs to another user, or that others may write, is refused, and so is such a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/kernel_cache.h"

namespace shoal {

struct CacheOptions {
  std::filesystem::path directory;           // made, with mode 0700, if missing; empty: memory only
  int64_t disk_bytes = int64_t{512} << 20;   // beyond this the entries used longest ago are removed
  int64_t memory_bytes = int64_t{64} << 20;  // 0: no layer in memory
};

struct CacheStatistics {
  int64_t entries = 0, bytes = 0;  // on the disk now
  int64_t hits = 0, misses = 0;    // of this object
};

struct CacheEntry {
  std::string name;  // 32 hexadecimal digits of the hash of the key's material
  int64_t bytes = 0;
  int64_t used_seconds = 0;  // when it was stored or last found, since 1970
};

class DiskCache final : public KernelCache {
 public:
  explicit DiskCache(CacheOptions);
  ~DiskCache() override;
  DiskCache(const DiskCache&) = delete;
  DiskCache& operator=(const DiskCache&) = delete;

  std::optional<std::string> find(const CacheKey&) override;
  void store(const CacheKey&, std::string_view value) override;

  // Why the directory is not used, as a message for the user; empty when it is.
  const std::string& problem() const { return problem_; }
  CacheStatistics statistics() const;
  std::vector<CacheEntry> list() const;  // last used first, then by name
  int64_t clear();                       // removes every entry; how many

  static std::string entry_name(const CacheKey&);  // the file of a key

 private:
  struct Remembered {
    std::string material, value;
  };

  void remember(const CacheKey&, std::string_view value);  // call with mutex_ held
  void evict(const std::string& newest) const;

  CacheOptions options_;
  std::string problem_;
  int directory_ = -1;            // descriptor: what was checked is what is used, even if the path changes later
  mutable std::mutex mutex_;      // guards what follows
  std::list<Remembered> memory_;  // last used first
  std::map<std::string, std::list<Remembered>::iterator, std::less<>> index_;
  int64_t memory_used_ = 0;
  int64_t hits_ = 0, misses_ = 0;
};

}  // namespace shoal
