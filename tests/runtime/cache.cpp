// The disk cache: what is found again, what never is, who may use the directory, what is removed, and threads at once.
#include "runtime/cache.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "runtime/cache_entry.h"
#include "tests/io/temporary_folder.h"

namespace shoal {
namespace {

using namespace shoal::test;
using testing::HasSubstr;

const CacheKey key{"format 1\ntarget avx2 fma\ndefine void @kernel"};
const std::string value(
    "\x7f"
    "ELF machine code \0 with zeros",
    30);

CacheOptions disk_only(const std::filesystem::path& directory, int64_t bytes = int64_t{1} << 20) {
  return {.directory = directory, .disk_bytes = bytes, .memory_bytes = 0};
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

void set_age(const std::filesystem::path& path, int seconds) {
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::seconds(seconds));
}

TEST(Cache, FindsAgainInThisProcessAndTheNext) {
  TemporaryFolder folder;
  {
    DiskCache cache({.directory = folder / "a" / "b"});
    EXPECT_EQ(cache.problem(), "");
    EXPECT_EQ(cache.find(key), std::nullopt);
    cache.store(key, value);
    EXPECT_EQ(cache.find(key), value);
    EXPECT_EQ(cache.statistics().hits, 1);
    EXPECT_EQ(cache.statistics().misses, 1);
  }
  DiskCache next(disk_only(folder / "a" / "b"));
  EXPECT_EQ(next.find(key), value);
  EXPECT_EQ(next.find(CacheKey{key.material + " "}), std::nullopt);
  CacheStatistics statistics = next.statistics();
  EXPECT_EQ(statistics.entries, 1);
  EXPECT_EQ(statistics.bytes, static_cast<int64_t>(24 + key.material.size() + value.size() + 16));
  EXPECT_EQ(statistics.hits, 1);
  EXPECT_EQ(statistics.misses, 1);
}

TEST(Cache, DirectoryAndEntriesArePrivate) {
  TemporaryFolder folder;
  DiskCache cache(disk_only(folder / "a" / "b"));
  cache.store(key, value);
  EXPECT_EQ(mode_of(folder / "a"), 0700u);
  EXPECT_EQ(mode_of(folder / "a" / "b"), 0700u);
  EXPECT_EQ(mode_of(folder / "a" / "b" / DiskCache::entry_name(key)), 0600u);
  EXPECT_EQ(files_in(folder / "a" / "b"), 1u) << "temporary files stayed behind";
}

TEST(Cache, EveryDamagedByteAndEveryTruncationIsAMissAndIsRemoved) {
  TemporaryFolder folder;
  DiskCache cache(disk_only(folder.path()));
  cache.store(key, value);
  std::filesystem::path file = folder / DiskCache::entry_name(key);
  std::string good = get_file(file);
  auto expect_miss = [&](const std::string& bytes, size_t at) {
    put_file(file, bytes);
    ::chmod(file.c_str(), 0600);
    EXPECT_EQ(cache.find(key), std::nullopt) << at;
    EXPECT_FALSE(std::filesystem::exists(file)) << at;
  };
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    expect_miss(bytes, at);
  }
  for (size_t size = 0; size < good.size(); ++size) expect_miss(good.substr(0, size), size);
  expect_miss(good + "x", good.size());
  cache.store(key, value);
  EXPECT_EQ(cache.find(key), value) << "a new entry takes the place of the damaged one";
}

TEST(Cache, ASharedHashIsAMissAndTheIntactEntryStays) {
  TemporaryFolder folder;
  DiskCache cache(disk_only(folder.path()));
  std::filesystem::path file = folder / DiskCache::entry_name(key);
  put_file(file, encode_cache_entry("the material of another kernel", "its code"));  // as if both hashes were equal
  ::chmod(file.c_str(), 0600);
  EXPECT_EQ(cache.find(key), std::nullopt);
  EXPECT_TRUE(std::filesystem::exists(file));
  cache.store(key, value);
  EXPECT_EQ(cache.find(key), value);
}

TEST(Cache, DirectoriesThatOthersMayWriteAreRefused) {
  for (mode_t mode : {0770, 0702, 01777}) {
    TemporaryFolder folder;
    ::chmod(folder.path().c_str(), mode);
    DiskCache cache(disk_only(folder.path()));
    EXPECT_THAT(cache.problem(), HasSubstr("other users may write the directory; run chmod 700")) << std::oct << mode;
    cache.store(key, value);
    EXPECT_EQ(cache.find(key), std::nullopt);
    EXPECT_EQ(files_in(folder.path()), 0u);
  }
}

TEST(Cache, DirectoriesOfOthersAreRefused) {
  TemporaryFolder folder;
  // Root can give a folder away; everybody else finds one that is not theirs in /.
  bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::chown(folder.path().c_str(), 12345, 12345), 0);
  }
  DiskCache cache(disk_only(root ? folder.path() : std::filesystem::path("/")));
  EXPECT_THAT(cache.problem(), HasSubstr("belongs to another user; set SHOAL_CACHE_DIR"));
}

TEST(Cache, EntriesThatOthersMayWriteOrThatAreLinksAreMissesAndStay) {
  TemporaryFolder folder;
  DiskCache cache(disk_only(folder.path()));
  cache.store(key, value);
  std::filesystem::path file = folder / DiskCache::entry_name(key);
  ::chmod(file.c_str(), 0622);
  EXPECT_EQ(cache.find(key), std::nullopt);
  EXPECT_TRUE(std::filesystem::exists(file));
  ::chmod(file.c_str(), 0600);
  EXPECT_EQ(cache.find(key), value);
  std::filesystem::rename(file, folder / "elsewhere");
  std::filesystem::create_symlink(folder / "elsewhere", file);
  EXPECT_EQ(cache.find(key), std::nullopt);
}

TEST(Cache, NoDirectoryIsNoError) {
  TemporaryFolder folder;
  put_file(folder / "file", "");
  for (const std::filesystem::path& path : {folder / "file", folder / "file" / "below"}) {
    DiskCache cache({.directory = path});
    EXPECT_THAT(cache.problem(), HasSubstr("the kernel cache is off: the directory cannot be"));
    cache.store(key, value);
    EXPECT_EQ(cache.find(key), value) << "the memory layer goes on";
    EXPECT_EQ(cache.statistics().entries, 0);
    EXPECT_TRUE(cache.list().empty());
  }
  DiskCache vanished(disk_only(folder / "gone"));
  std::filesystem::remove(folder / "gone");
  vanished.store(key, value);
  EXPECT_EQ(vanished.find(key), std::nullopt);
}

TEST(Cache, RemovesWhatWasUsedLongestAgo) {
  TemporaryFolder folder;
  std::string big(1000, 'x');
  int64_t entry = static_cast<int64_t>(encode_cache_entry("a", big).size());
  DiskCache cache(disk_only(folder.path(), 3 * entry));
  int age = 300;
  for (const char* name : {"a", "b", "c"}) {
    cache.store({name}, big);
    set_age(folder / DiskCache::entry_name({name}), age -= 50);
  }
  EXPECT_TRUE(cache.find({"a"}).has_value());  // the oldest becomes the newest
  cache.store({"d"}, big);
  EXPECT_FALSE(cache.find({"b"}).has_value());
  for (const char* name : {"a", "c", "d"}) EXPECT_TRUE(cache.find({name}).has_value()) << name;
  EXPECT_EQ(cache.statistics().bytes, 3 * entry);
  cache.store({"e"}, std::string(static_cast<size_t>(3 * entry), 'x'));  // alone beyond the bound
  EXPECT_EQ(cache.statistics().entries, 3);
}

TEST(Cache, MemoryIsBounded) {
  DiskCache cache({.directory = {}, .memory_bytes = 2500});
  std::string big(999, 'x');
  for (const char* name : {"a", "b"}) cache.store({name}, big);
  EXPECT_TRUE(cache.find({"a"}).has_value());
  cache.store({"c"}, big);
  EXPECT_TRUE(cache.find({"a"}).has_value());
  EXPECT_FALSE(cache.find({"b"}).has_value());
  cache.store({"a"}, std::string(3000, 'x'));  // too big to be kept: the old value must not be served in its place
  EXPECT_FALSE(cache.find({"a"}).has_value());
}

TEST(Cache, ListAndClear) {
  TemporaryFolder folder;
  DiskCache cache({.directory = folder.path()});
  cache.store({"a"}, "1");
  cache.store({"b"}, "22");
  set_age(folder / DiskCache::entry_name({"a"}), 100);
  put_file(folder / "notes.txt", "the user's own");
  put_file(folder / ".tmp-0123456789abcdef", "left by a crash");
  set_age(folder / ".tmp-0123456789abcdef", 7200);
  put_file(folder / ".tmp-1123456789abcdef", "being written now");
  std::vector<CacheEntry> entries = cache.list();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, DiskCache::entry_name({"b"}));
  EXPECT_EQ(entries[1].name, DiskCache::entry_name({"a"}));
  EXPECT_EQ(entries[0].bytes, entries[1].bytes + 1);
  EXPECT_FALSE(std::filesystem::exists(folder / ".tmp-0123456789abcdef"));
  EXPECT_TRUE(std::filesystem::exists(folder / ".tmp-1123456789abcdef"));
  EXPECT_EQ(cache.clear(), 2);
  EXPECT_EQ(cache.find({"a"}), std::nullopt);
  EXPECT_TRUE(std::filesystem::exists(folder / "notes.txt"));
}

TEST(Cache, ThreadsAndProcessesWriteAtOnce) {
  TemporaryFolder folder;
  // Two objects stand for two processes: they share nothing but the directory. Each value is known by its key, so that
  // a torn or swapped file would show.
  DiskCache one(disk_only(folder.path(), 20000)),
      two({.directory = folder.path(), .disk_bytes = 20000, .memory_bytes = 9000});
  auto value_of = [](int k) { return std::string(static_cast<size_t>(500 + 100 * k), static_cast<char>('a' + k)); };
  std::atomic<int> wrong = 0, found = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      DiskCache& cache = t % 2 ? one : two;
      for (int i = 0; i < 60; ++i) {
        int k = (i * 7 + t * 3) % 26;
        CacheKey own{"kernel " + std::to_string(k)};
        if (std::optional<std::string> hit = cache.find(own)) {
          ++found;
          wrong += *hit != value_of(k);
        } else {
          cache.store(own, value_of(k));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(found, 0);
  CacheStatistics first = one.statistics(), second = two.statistics();
  EXPECT_EQ(first.hits + first.misses + second.hits + second.misses, 8 * 60);
  EXPECT_EQ(first.hits + second.hits, found);
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_TRUE(decode_cache_entry(get_file(entry.path())).has_value()) << entry.path();
  }
}

}  // namespace
}  // namespace shoal
