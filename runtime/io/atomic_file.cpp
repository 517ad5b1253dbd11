// Atomic replacement of files on POSIX systems.
#include "runtime/io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

#include "compiler/support/error.h"

namespace shoal::io {

std::filesystem::path temporary_beside(const std::filesystem::path& target) {
  std::random_device entropy;
  return target.parent_path() /
         fmt::format(".{}.{:08x}{:08x}.tmp", target.filename().string().substr(0, 200), entropy(), entropy());
}

void sync_folder(const std::filesystem::path& folder) {
  int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

AtomicFile::AtomicFile(const std::filesystem::path& target) : target_(target) {
  do {
    temporary_ = temporary_beside(target_);
    // 0666 leaves the permissions of what a user saves to the umask; O_EXCL follows no link that someone planted.
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) fail("cannot be written");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* what) const {
  throw RuntimeError(fmt::format("{}: {}: {}", target_.string(), what, std::strerror(errno)));
}

void AtomicFile::write(std::string_view bytes) {
  synced_ = false;
  while (!bytes.empty()) {
    ssize_t done = ::write(descriptor_, bytes.data(), std::min(bytes.size(), size_t{1} << 30));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("cannot be written");
    bytes.remove_prefix(static_cast<size_t>(done));
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void AtomicFile::sync() {
  if (synced_) return;
  if (::fsync(descriptor_) != 0) fail("cannot be written to the disk");
  synced_ = true;
}

void AtomicFile::commit() {
  sync();
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("cannot be replaced");
  ::close(descriptor_);
  descriptor_ = -1;
  sync_folder(target_.parent_path());
}

void commit_temporary(const std::filesystem::path& temporary, const std::filesystem::path& target) {
  int descriptor = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
  bool done = descriptor >= 0 && ::fsync(descriptor) == 0 && ::rename(temporary.c_str(), target.c_str()) == 0;
  int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!done) {
    ::unlink(temporary.c_str());
    throw RuntimeError(fmt::format("{}: cannot be replaced: {}", target.string(), std::strerror(error)));
  }
  sync_folder(target.parent_path());
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

}  // namespace shoal::io
