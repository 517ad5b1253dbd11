// The CUDA driver, opened at run time. Failures are RuntimeErrors with names.
#pragma once

#include <cstddef>
#include <string>

#include "runtime/cuda/dynamic_library.h"

namespace shoal::cuda {

// The numbers of cuda.h that are in use.
enum DeviceAttribute : int {
  clock_khz = 13,
  multiprocessor_count = 16,
  kernel_time_limit = 17,  // 1: a watchdog ends long kernels, because a display hangs on the device
  l2_cache_bytes = 38,
  compute_capability_major = 75,
  compute_capability_minor = 76,
  shared_bytes_per_block = 97,  // opt-in
  memory_pools = 115,
};
enum FunctionAttribute : int { local_bytes = 3, registers_used = 4, max_dynamic_shared_bytes = 8 };

class Driver {
 public:
  // `path`: empty for libcuda.so.1. Throws RuntimeError "no CUDA device: <reason>" when it cannot be opened or has no
  // device.
  explicit Driver(const std::string& path = {});
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

#define SHOAL_CUDA(member, symbol, parameters) int(*member) parameters = nullptr;
#include "runtime/cuda/driver_symbols.inc"
#undef SHOAL_CUDA

  // Throws RuntimeError "<what>: CUDA_ERROR_... (700): an illegal memory access was encountered" unless result is 0.
  void succeed(int result, const std::string& what) const;
  std::string error(int result) const;
  int devices() const { return devices_; }  // at least 1

 private:
  DynamicLibrary library_;
  int devices_ = 0;
};

}  // namespace shoal::cuda
