// Memory of a GPU as a DeviceBuffer: its own, or a view of the caller's.
#pragma once

#include <memory>

#include "runtime/cuda/gpu.h"
#include "runtime/device.h"

namespace shoal::cuda {

// Everything happens in the order of the GPU's stream. write and read wait for that stream and for no other; freeing
// waits for nothing where the device has memory pools.
class CudaBuffer : public DeviceBuffer {
 public:
  // Zeroed. Throws RuntimeError with the sizes when there is not enough memory.
  CudaBuffer(std::shared_ptr<const Gpu>, int64_t bytes);
  // The caller's memory. Throws RuntimeError when the GPU cannot reach it, or it ends within `bytes`.
  CudaBuffer(std::shared_ptr<const Gpu>, unsigned long long address, int64_t bytes);
  ~CudaBuffer() override;
  CudaBuffer(const CudaBuffer&) = delete;
  CudaBuffer& operator=(const CudaBuffer&) = delete;

  int64_t bytes() const override { return bytes_; }
  void write(const void* from, int64_t bytes, int64_t offset) override;
  void read(void* to, int64_t bytes, int64_t offset) const override;
  unsigned long long address() const { return address_; }
  const Gpu* gpu() const { return gpu_.get(); }

 private:
  void in_bounds(const char* what, int64_t bytes, int64_t offset) const;
  int allocate(size_t bytes);
  void free() const;

  std::shared_ptr<const Gpu> gpu_;
  int64_t bytes_;
  unsigned long long address_ = 0;
  bool owned_ = true;
};

}  // namespace shoal::cuda
