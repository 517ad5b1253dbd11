// A file opened for reading: its size is known before anything of it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace shoal::io {

class InputFile {
 public:
  explicit InputFile(
      const std::filesystem::path&);  // throws RuntimeError: no such file, no regular file, no permission
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  uint64_t size() const { return size_; }
  void read(void* to, size_t bytes);  // exactly so many, or RuntimeError

 private:
  std::string name_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

// The whole file. One that is larger than `limit` bytes is a SpecError before memory is taken.
std::string read_file(const std::filesystem::path&, uint64_t limit);

}  // namespace shoal::io
