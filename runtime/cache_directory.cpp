// The folder of the disk cache, by system calls relative to one checked descriptor.
#include "runtime/cache_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <random>

namespace shoal {

namespace {

constexpr std::string_view temporary_prefix = ".tmp-";
constexpr int64_t stale_seconds = 3600;

struct Descriptor {
  int value;
  explicit Descriptor(int descriptor) : value(descriptor) {}
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

bool is_entry_name(std::string_view name) {
  return name.size() == 32 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool writable_by_others(const struct stat& info) { return (info.st_mode & (S_IWGRP | S_IWOTH)) != 0; }

bool make_folders(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return true;
  if (errno != ENOENT || path.parent_path() == path || path.parent_path().empty()) return false;
  return make_folders(path.parent_path()) && (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST);
}

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    ssize_t done = ::write(descriptor, content.data(), content.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    content.remove_prefix(static_cast<size_t>(done));
  }
  return true;
}

}  // namespace

int open_cache_directory(const std::filesystem::path& path, std::string& problem) {
  auto refuse = [&](const std::string& why) {
    problem = fmt::format("{}: the kernel cache is off: {}", path.string(), why);
    return -1;
  };
  if (!make_folders(path)) return refuse(fmt::format("the directory cannot be made: {}", std::strerror(errno)));
  int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return refuse(fmt::format("the directory cannot be opened: {}", std::strerror(errno)));
  struct stat info{};
  std::string why;
  if (::fstat(directory, &info) != 0) {
    why = fmt::format("the directory cannot be examined: {}", std::strerror(errno));
  } else if (info.st_uid != ::geteuid()) {
    why = "the directory belongs to another user; set SHOAL_CACHE_DIR to one of your own";
  } else if (writable_by_others(info)) {
    why = "other users may write the directory; run chmod 700 on it, or set SHOAL_CACHE_DIR";
  }
  if (why.empty()) return directory;
  ::close(directory);
  return refuse(why);
}

std::optional<std::string> read_cache_file(int directory, const std::string& name, int64_t limit) {
  Descriptor file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info{};
  if (file.value < 0 || ::fstat(file.value, &info) != 0) return std::nullopt;
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || writable_by_others(info)) return std::nullopt;
  if (info.st_size > limit) return std::nullopt;
  std::string content(static_cast<size_t>(info.st_size), '\0');
  for (size_t at = 0; at < content.size();) {
    ssize_t got = ::read(file.value, content.data() + at, content.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    at += static_cast<size_t>(got);
  }
  ::futimens(file.value, nullptr);  // last used now; failing only makes the order of eviction worse
  return content;
}

bool write_cache_file(int directory, const std::string& name, std::string_view content) {
  std::random_device entropy;
  std::string temporary = fmt::format("{}{:08x}{:08x}", temporary_prefix, entropy(), entropy());
  bool done;
  {
    Descriptor file(::openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.value < 0) return false;
    done = write_all(file.value, content) && ::fsync(file.value) == 0;
  }
  done = done && ::renameat(directory, temporary.c_str(), directory, name.c_str()) == 0;
  if (done) {
    ::fsync(directory);
  } else {
    ::unlinkat(directory, temporary.c_str(), 0);
  }
  return done;
}

void remove_cache_file(int directory, const std::string& name) { ::unlinkat(directory, name.c_str(), 0); }

std::vector<CacheFile> list_cache_files(int directory) {
  std::vector<CacheFile> files;
  // A descriptor of its own, because readdir moves the position that duplicates would share.
  int own = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return files;
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(own), ::closedir);
  if (!stream) {
    ::close(own);
    return files;
  }
  int64_t now = std::time(nullptr);
  while (const dirent* entry = ::readdir(stream.get())) {
    std::string name = entry->d_name;
    bool temporary = name.starts_with(temporary_prefix);
    struct stat info{};
    if ((!temporary && !is_entry_name(name)) || ::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(info.st_mode)) {
      continue;
    }
    if (!temporary) {
      files.push_back({name, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec});
    } else if (now - info.st_mtim.tv_sec > stale_seconds) {
      remove_cache_file(directory, name);
    }
  }
  return files;
}

}  // namespace shoal
