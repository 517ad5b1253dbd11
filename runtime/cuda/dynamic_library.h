// A shared library opened at run time: the first of several places that has it, or the reason why none does.
#pragma once

#include <string>
#include <vector>

namespace shoal::cuda {

class DynamicLibrary {
 public:
  // Tries each candidate (a path, or a name for the loader's own search). Throws RuntimeError that opens with `what`
  // and lists each candidate's reason.
  DynamicLibrary(const std::string& what, const std::vector<std::string>& candidates);

  // Throws RuntimeError when the library lacks it.
  void* symbol(const char* name) const;
  const std::string& path() const { return path_; }  // of the file that was loaded

 private:
  // Never closed: NVIDIA's libraries leave threads and exit handlers behind.
  void* handle_ = nullptr;
  std::string what_, path_;
};

}  // namespace shoal::cuda
