// Allocation and copies of GPU memory.
#include "runtime/cuda/cuda_memory.h"

#include <algorithm>
#include <utility>

#include "compiler/support/error.h"

namespace shoal::cuda {
namespace {

constexpr int memory_type = 2;  // CU_POINTER_ATTRIBUTE_MEMORY_TYPE

}  // namespace

CudaBuffer::CudaBuffer(std::shared_ptr<const Gpu> gpu, int64_t bytes) : gpu_(std::move(gpu)), bytes_(bytes) {
  if (bytes < 0) throw RuntimeError(fmt::format("cannot allocate {} bytes", bytes));
  const CurrentContext current(*gpu_);
  const Driver& driver = gpu_->driver();
  // The driver refuses empty allocations; an argument without elements still needs an address.
  const auto allocated = static_cast<size_t>(std::max<int64_t>(bytes, 16));
  if (const int result = allocate(allocated); result != 0) {
    size_t free_bytes = 0, total = 0;
    driver.memory_info(&free_bytes, &total);
    throw RuntimeError(fmt::format("cannot allocate {} bytes on the GPU, {} of its {} bytes are free: {}", bytes,
                                   free_bytes, total, driver.error(result)));
  }
  if (const int result = driver.memory_fill(address_, 0, allocated, gpu_->stream()); result != 0) {
    free();
    driver.succeed(result, fmt::format("cannot clear {} bytes on the GPU", bytes));
  }
}

CudaBuffer::CudaBuffer(std::shared_ptr<const Gpu> gpu, unsigned long long address, int64_t bytes)
    : gpu_(std::move(gpu)), bytes_(bytes), address_(address), owned_(false) {
  if (bytes < 0) throw RuntimeError(fmt::format("a view of {} bytes", bytes));
  const CurrentContext current(*gpu_);
  const Driver& driver = gpu_->driver();
  unsigned type = 0;
  if (const int result = driver.pointer_attribute(&type, memory_type, address); result != 0)
    throw RuntimeError(
        fmt::format("a view at {:#x}: no memory that the GPU can reach: {}", address, driver.error(result)));
  // Memory that the driver did not allocate as one piece has no range to compare with.
  unsigned long long base = 0;
  size_t whole = 0;
  if (driver.memory_range(&base, &whole, address) != 0) return;
  if (address + static_cast<unsigned long long>(bytes) > base + whole)
    throw RuntimeError(fmt::format("a view of {} bytes at {:#x}: the allocation there ends after {} bytes", bytes,
                                   address, base + whole - address));
}

CudaBuffer::~CudaBuffer() {
  if (!owned_) return;
  try {
    const CurrentContext current(*gpu_);
    free();
  } catch (const RuntimeError&) {
    // The context is lost after a fault on the GPU, and its memory with it.
  }
}

int CudaBuffer::allocate(size_t bytes) {
  const Driver& driver = gpu_->driver();
  return gpu_->orders_memory() ? driver.memory_allocate_ordered(&address_, bytes, gpu_->stream())
                               : driver.memory_allocate(&address_, bytes);
}

void CudaBuffer::free() const {
  const Driver& driver = gpu_->driver();
  if (gpu_->orders_memory()) {
    driver.memory_free_ordered(address_, gpu_->stream());
  } else {
    driver.stream_synchronize(gpu_->stream());
    driver.memory_free(address_);
  }
}

void CudaBuffer::in_bounds(const char* what, int64_t bytes, int64_t offset) const {
  if (bytes < 0 || offset < 0 || offset > bytes_ || bytes > bytes_ - offset)
    throw RuntimeError(fmt::format("{} of {} bytes at {} in a buffer of {} bytes", what, bytes, offset, bytes_));
}

void CudaBuffer::write(const void* from, int64_t bytes, int64_t offset) {
  in_bounds("write", bytes, offset);
  if (bytes == 0) return;
  const CurrentContext current(*gpu_);
  const Driver& driver = gpu_->driver();
  const auto what = [&] { return fmt::format("copy of {} bytes to the GPU", bytes); };
  driver.succeed(
      driver.memory_write(address_ + static_cast<uint64_t>(offset), from, static_cast<size_t>(bytes), gpu_->stream()),
      what());
  driver.succeed(driver.stream_synchronize(gpu_->stream()), what());
}

void CudaBuffer::read(void* to, int64_t bytes, int64_t offset) const {
  in_bounds("read", bytes, offset);
  if (bytes == 0) return;
  const CurrentContext current(*gpu_);
  const Driver& driver = gpu_->driver();
  const auto what = [&] { return fmt::format("copy of {} bytes from the GPU", bytes); };
  driver.succeed(
      driver.memory_read(to, address_ + static_cast<uint64_t>(offset), static_cast<size_t>(bytes), gpu_->stream()),
      what());
  driver.succeed(driver.stream_synchronize(gpu_->stream()), what());
}

}  // namespace shoal::cuda
