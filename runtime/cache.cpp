// DiskCache: memory first, then the disk; whatever fails is a miss.
#include "runtime/cache.h"

#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "compiler/support/hash.h"
#include "runtime/cache_directory.h"
#include "runtime/cache_entry.h"

namespace shoal {

DiskCache::DiskCache(CacheOptions options) : options_(std::move(options)) {
  if (!options_.directory.empty()) directory_ = open_cache_directory(options_.directory, problem_);
}

DiskCache::~DiskCache() {
  if (directory_ >= 0) ::close(directory_);
}

std::string DiskCache::entry_name(const CacheKey& key) { return hash128(key.material).hex(); }

std::optional<std::string> DiskCache::find(const CacheKey& key) {
  std::string name = entry_name(key);
  {
    std::lock_guard lock(mutex_);
    auto known = index_.find(name);
    if (known != index_.end() && known->second->material == key.material) {
      memory_.splice(memory_.begin(), memory_, known->second);
      ++hits_;
      return known->second->value;
    }
  }
  // The disk is read without the lock, so that threads that load different kernels do not wait for each other.
  std::optional<std::string> hit;
  if (directory_ >= 0) {
    if (std::optional<std::string> file = read_cache_file(directory_, name, options_.disk_bytes)) {
      std::optional<DecodedEntry> entry = decode_cache_entry(*file);
      if (!entry) {
        remove_cache_file(directory_, name);
      } else if (entry->material == key.material) {  // otherwise two keys share a hash: an intact entry of another key
        hit = std::string(entry->value);
      }
    }
  }
  std::lock_guard lock(mutex_);
  ++(hit ? hits_ : misses_);
  if (hit) remember(key, *hit);
  return hit;
}

void DiskCache::store(const CacheKey& key, std::string_view value) {
  {
    std::lock_guard lock(mutex_);
    remember(key, value);
  }
  if (directory_ < 0) return;
  std::string content = encode_cache_entry(key.material, value);
  if (static_cast<int64_t>(content.size()) > options_.disk_bytes) return;
  std::string name = entry_name(key);
  if (write_cache_file(directory_, name, content)) evict(name);
}

void DiskCache::remember(const CacheKey& key, std::string_view value) {
  std::string name = entry_name(key);
  auto forget = [&](std::map<std::string, std::list<Remembered>::iterator, std::less<>>::iterator known) {
    memory_used_ -= static_cast<int64_t>(known->second->material.size() + known->second->value.size());
    memory_.erase(known->second);
    index_.erase(known);
  };
  if (auto known = index_.find(name); known != index_.end()) forget(known);
  auto bytes = static_cast<int64_t>(key.material.size() + value.size());
  if (bytes > options_.memory_bytes) return;
  while (memory_used_ + bytes > options_.memory_bytes) forget(index_.find(hash128(memory_.back().material).hex()));
  memory_.push_front({key.material, std::string(value)});
  index_[name] = memory_.begin();
  memory_used_ += bytes;
}

void DiskCache::evict(const std::string& newest) const {
  std::vector<CacheFile> files = list_cache_files(directory_);
  int64_t total = 0;
  for (const CacheFile& file : files) total += file.bytes;
  if (total <= options_.disk_bytes) return;
  auto age = [](const CacheFile& file) { return std::tie(file.used_seconds, file.used_nanoseconds, file.name); };
  std::sort(files.begin(), files.end(), [&](const CacheFile& a, const CacheFile& b) { return age(a) < age(b); });
  for (const CacheFile& file : files) {
    if (total <= options_.disk_bytes) return;
    if (file.name == newest) continue;  // coarse time stamps may make it look as old as the others
    remove_cache_file(directory_, file.name);
    total -= file.bytes;
  }
}

CacheStatistics DiskCache::statistics() const {
  CacheStatistics statistics;
  if (directory_ >= 0) {
    for (const CacheFile& file : list_cache_files(directory_)) {
      ++statistics.entries;
      statistics.bytes += file.bytes;
    }
  }
  std::lock_guard lock(mutex_);
  statistics.hits = hits_;
  statistics.misses = misses_;
  return statistics;
}

std::vector<CacheEntry> DiskCache::list() const {
  std::vector<CacheEntry> entries;
  if (directory_ < 0) return entries;
  std::vector<CacheFile> files = list_cache_files(directory_);
  std::sort(files.begin(), files.end(), [](const CacheFile& a, const CacheFile& b) {
    return std::tie(b.used_seconds, b.used_nanoseconds, a.name) < std::tie(a.used_seconds, a.used_nanoseconds, b.name);
  });
  for (const CacheFile& file : files) entries.push_back({file.name, file.bytes, file.used_seconds});
  return entries;
}

int64_t DiskCache::clear() {
  std::lock_guard lock(mutex_);
  memory_.clear();
  index_.clear();
  memory_used_ = 0;
  int64_t removed = 0;
  if (directory_ < 0) return removed;
  for (const CacheFile& file : list_cache_files(directory_)) {
    remove_cache_file(directory_, file.name);
    ++removed;
  }
  return removed;
}

}  // namespace shoal
