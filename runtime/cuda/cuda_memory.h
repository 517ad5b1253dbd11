// Memory of a GPU as a DeviceBuffer.
#pragma once

#include <memory>

#include "runtime/cuda/driver.h"
#include "runtime/device.h"

namespace shoal::cuda {

class CudaBuffer : public DeviceBuffer {
 public:
  // Zeroed. Throws RuntimeError with the sizes when there is not enough memory.
  CudaBuffer(std::shared_ptr<const Driver> driver, int64_t bytes);
  ~CudaBuffer() override;
  CudaBuffer(const CudaBuffer&) = delete;
  CudaBuffer& operator=(const CudaBuffer&) = delete;

  int64_t bytes() const override { return bytes_; }
  void write(const void* from, int64_t bytes, int64_t offset) override;
  void read(void* to, int64_t bytes, int64_t offset) const override;
  unsigned long long address() const { return address_; }
  const Driver* driver() const { return driver_.get(); }

 private:
  void in_bounds(const char* what, int64_t bytes, int64_t offset) const;

  std::shared_ptr<const Driver> driver_;
  int64_t bytes_;
  unsigned long long address_ = 0;
};

}  // namespace shoal::cuda
