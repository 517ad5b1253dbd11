// A CUDA GPU as a device: NVRTC makes the code, the driver runs it. Both are opened at run time.
#pragma once

#include <memory>
#include <string>

#include "runtime/device.h"
#include "runtime/kernel_cache.h"

namespace shoal::cuda {

struct CudaOptions {
  int ordinal = 0;          // of the device, when no context is given
  void* context = nullptr;  // CUcontext of the caller, which must outlive the device; null: the primary context
  void* stream = nullptr;   // CUstream of that context; null: a stream of the device's own
  std::string driver_path;  // empty: libcuda.so.1
  std::string nvrtc_path;   // the library or its folder; empty: the loader's path, then /usr/local/cuda/lib64
};

class CudaDevice : public Device {
 public:
  // Throws RuntimeError "no CUDA device: <reason>". `cache` may be null; if not, it must outlive the device.
  explicit CudaDevice(const CudaOptions& = {}, KernelCache* cache = nullptr);
  ~CudaDevice() override;
  std::string name() const override;         // "cuda"
  std::string description() const override;  // "NVIDIA H100, sm_90, 132 multiprocessors, 79.1 GiB, NVRTC 13.0"
  Target target() const override;
  // Executables and buffers stay usable after the device object is gone.
  std::unique_ptr<Executable> load(const Module&, LoadReport* = nullptr, const std::string& origin = {}) override;
  std::optional<Recalled> recall(const std::string& origin, LoadReport* = nullptr) override;
  std::unique_ptr<DeviceBuffer> allocate(int64_t bytes) override;
  std::unique_ptr<DeviceBuffer> view(uintptr_t address, int64_t bytes) override;
  int64_t available_bytes() const override;
  bool has_watchdog() const;  // the system ends kernels that run for seconds
  double clock_ghz() const;   // the highest, for estimates
  void synchronize() const;   // waits for everything that was started

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace shoal::cuda
