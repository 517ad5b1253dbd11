// Allocation and copies of GPU memory.
#include "runtime/cuda/cuda_memory.h"

#include <algorithm>
#include <utility>

#include "compiler/support/error.h"

namespace shoal::cuda {

CudaBuffer::CudaBuffer(std::shared_ptr<const Driver> driver, int64_t bytes)
    : driver_(std::move(driver)), bytes_(bytes) {
  if (bytes < 0) throw RuntimeError(fmt::format("cannot allocate {} bytes", bytes));
  const CurrentContext current(*driver_);
  // The driver refuses empty allocations; an argument without elements still needs an address.
  const auto allocated = static_cast<size_t>(std::max<int64_t>(bytes, 16));
  if (const int result = driver_->memory_allocate(&address_, allocated); result != 0) {
    size_t free_bytes = 0, total = 0;
    driver_->memory_info(&free_bytes, &total);
    throw RuntimeError(fmt::format("cannot allocate {} bytes on the GPU, {} of its {} bytes are free: {}", bytes,
                                   free_bytes, total, driver_->error(result)));
  }
  if (const int result = driver_->memory_fill(address_, 0, allocated); result != 0) {
    driver_->memory_free(address_);
    driver_->succeed(result, fmt::format("cannot clear {} bytes on the GPU", bytes));
  }
}

CudaBuffer::~CudaBuffer() {
  try {
    const CurrentContext current(*driver_);
    driver_->memory_free(address_);
  } catch (const RuntimeError&) {
    // The context is lost after a fault on the GPU, and its memory with it.
  }
}

void CudaBuffer::in_bounds(const char* what, int64_t bytes, int64_t offset) const {
  if (bytes < 0 || offset < 0 || offset > bytes_ || bytes > bytes_ - offset)
    throw RuntimeError(fmt::format("{} of {} bytes at {} in a buffer of {} bytes", what, bytes, offset, bytes_));
}

void CudaBuffer::write(const void* from, int64_t bytes, int64_t offset) {
  in_bounds("write", bytes, offset);
  if (bytes == 0) return;
  const CurrentContext current(*driver_);
  driver_->succeed(driver_->memory_write(address_ + static_cast<uint64_t>(offset), from, static_cast<size_t>(bytes)),
                   fmt::format("copy of {} bytes to the GPU", bytes));
  // A copy from pageable memory may return before it has ended on the device; this interface promises it has.
  driver_->succeed(driver_->synchronize(), fmt::format("copy of {} bytes to the GPU", bytes));
}

void CudaBuffer::read(void* to, int64_t bytes, int64_t offset) const {
  in_bounds("read", bytes, offset);
  if (bytes == 0) return;
  const CurrentContext current(*driver_);
  driver_->succeed(driver_->memory_read(to, address_ + static_cast<uint64_t>(offset), static_cast<size_t>(bytes)),
                   fmt::format("copy of {} bytes from the GPU", bytes));
}

}  // namespace shoal::cuda
