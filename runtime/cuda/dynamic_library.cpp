// dlopen with reasons.
#include "runtime/cuda/dynamic_library.h"

#include <dlfcn.h>
#include <link.h>

#include "compiler/support/error.h"

namespace shoal::cuda {
namespace {

std::string last_error() {
  const char* text = dlerror();
  return text ? text : "no reason given";
}

// "libcuda.so.1: cannot open shared object file: No such file or directory" says "not found" to a person.
std::string reason(const std::string& candidate, const std::string& error) {
  if (error.find("No such file or directory") != std::string::npos) return candidate + " not found";
  return error.find(candidate) != std::string::npos ? error : candidate + ": " + error;
}

}  // namespace

DynamicLibrary::DynamicLibrary(const std::string& what, const std::vector<std::string>& candidates) : what_(what) {
  std::string reasons;
  for (const std::string& candidate : candidates) {
    handle_ = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle_) {
      link_map* map = nullptr;
      path_ = dlinfo(handle_, RTLD_DI_LINKMAP, &map) == 0 && map ? map->l_name : candidate;
      return;
    }
    reasons += (reasons.empty() ? "" : "; ") + reason(candidate, last_error());
  }
  throw RuntimeError(fmt::format("{}: {}", what, reasons));
}

void* DynamicLibrary::symbol(const char* name) const {
  void* found = dlsym(handle_, name);
  if (!found) throw RuntimeError(fmt::format("{}: {} has no {}", what_, path_, name));
  return found;
}

}  // namespace shoal::cuda
