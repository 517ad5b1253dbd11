// Files that are either wholly the old or wholly the new: temporary file in the same folder, fsync, rename, fsync of
// the folder.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace shoal::io {

// Collects the new content beside `target`; nothing is seen under that name before commit(). Without commit() the
// temporary file is removed. Every failure is a RuntimeError that names the target.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view);
  void write(std::span<const std::byte>);
  const std::filesystem::path& temporary() const { return temporary_; }

  // Puts the bytes on the disk; commit() does so by itself.
  void sync();
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path target_, temporary_;
  int descriptor_ = -1;
  bool synced_ = false;
};

void write_file(const std::filesystem::path&, std::string_view content);  // atomically

// A name that nobody else uses, for a temporary file in the folder of `target`.
std::filesystem::path temporary_beside(const std::filesystem::path& target);

// Makes a finished temporary file, written by somebody else, the new content of `target`; removes it on failure.
void commit_temporary(const std::filesystem::path& temporary, const std::filesystem::path& target);

// Makes renames in a folder survive a loss of power. File systems that cannot do so are left as they are.
void sync_folder(const std::filesystem::path&);

}  // namespace shoal::io
