// Reading of files by descriptor, so that the size that is checked and the bytes that are read belong to one file.
#include "runtime/io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "compiler/support/error.h"

namespace shoal::io {

InputFile::InputFile(const std::filesystem::path& path) : name_(path.string()) {
  // O_NONBLOCK: opening a named pipe must fail the check below instead of waiting for a writer.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) throw RuntimeError(fmt::format("{}: cannot be opened: {}", name_, std::strerror(errno)));
  struct stat info{};
  if (::fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor_);
    throw RuntimeError(fmt::format("{}: is not a regular file", name_));
  }
  size_ = static_cast<uint64_t>(info.st_size);
}

InputFile::~InputFile() { ::close(descriptor_); }

void InputFile::read(void* to, size_t bytes) {
  char* at = static_cast<char*>(to);
  while (bytes > 0) {
    ssize_t got = ::read(descriptor_, at, std::min(bytes, size_t{1} << 30));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw RuntimeError(fmt::format("{}: cannot be read: {}", name_, std::strerror(errno)));
    if (got == 0) throw RuntimeError(fmt::format("{}: became shorter while it was read", name_));
    at += got;
    bytes -= static_cast<size_t>(got);
  }
}

std::string read_file(const std::filesystem::path& path, uint64_t limit) {
  InputFile file(path);
  if (file.size() > limit) {
    throw SpecError(path.string(), fmt::format("has {} bytes; at most {} are accepted", file.size(), limit));
  }
  std::string text(static_cast<size_t>(file.size()), '\0');
  file.read(text.data(), text.size());
  return text;
}

}  // namespace shoal::io
