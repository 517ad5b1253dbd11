// The CUDA driver, opened at run time, and the primary context of one device. Failures are RuntimeErrors with names.
#pragma once

#include <cstddef>
#include <string>

#include "runtime/cuda/dynamic_library.h"

namespace shoal::cuda {

// The numbers of cuda.h that are in use.
enum DeviceAttribute : int {
  multiprocessor_count = 16,
  l2_cache_bytes = 38,
  compute_capability_major = 75,
  compute_capability_minor = 76,
  shared_bytes_per_block = 97,  // opt-in
};
constexpr int max_dynamic_shared_bytes = 8;  // of a function

class Driver {
 public:
  // `path`: empty for libcuda.so.1. Throws RuntimeError "no CUDA device: <reason>" when it cannot be opened, has no
  // device, or has no device number `ordinal`.
  Driver(const std::string& path, int ordinal);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

#define SHOAL_CUDA(member, symbol, parameters) int(*member) parameters = nullptr;
#include "runtime/cuda/driver_symbols.inc"
#undef SHOAL_CUDA

  // Throws RuntimeError "<what>: CUDA_ERROR_... (700): an illegal memory access was encountered" unless result is 0.
  void succeed(int result, const std::string& what) const;
  std::string error(int result) const;

  int attribute(DeviceAttribute) const;
  std::string device_name_text() const;
  int device() const { return device_; }
  void* context() const { return context_; }

 private:
  DynamicLibrary library_;
  int device_ = 0;
  void* context_ = nullptr;
};

// Makes the device's context current for this thread and puts back whatever was current before: the host program may
// have contexts of its own.
class CurrentContext {
 public:
  explicit CurrentContext(const Driver&);
  ~CurrentContext();
  CurrentContext(const CurrentContext&) = delete;
  CurrentContext& operator=(const CurrentContext&) = delete;

 private:
  const Driver& driver_;
};

}  // namespace shoal::cuda
