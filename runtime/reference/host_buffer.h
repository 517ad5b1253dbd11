// Host memory as a DeviceBuffer: 64-byte aligned, zeroed, bounds checked. Header only: both host devices use it.
#pragma once

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "compiler/support/error.h"
#include "runtime/device.h"

namespace shoal {

inline int64_t host_memory() { return int64_t(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE); }

// Anonymous pages: zero without being touched, page aligned, and given to the system again when freed.
class HostBuffer : public DeviceBuffer {
 public:
  // `whole`: in pages of 2 MiB even if it is smaller, beginning with one, where the system has them.
  enum class LargePages : uint8_t { by_size, whole };

  explicit HostBuffer(int64_t bytes, LargePages pages = LargePages::by_size) : bytes_(bytes) {
    const int64_t memory = host_memory();
    if (bytes < 0 || bytes > memory) {
      throw RuntimeError(fmt::format("cannot allocate {} bytes: this machine has {} bytes of memory", bytes, memory));
    }
    const bool whole = pages == LargePages::whole;
    // With room to begin at a multiple of the page's size.
    mapped_ = whole ? round_up(bytes_, large_page) + large_page : std::max<int64_t>(bytes_, 64);
    mapping_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping_ == MAP_FAILED) {
      throw RuntimeError(fmt::format("cannot allocate {} bytes of {}: {}", bytes, memory, std::strerror(errno)));
    }
    data_ = mapping_;
    size_t room = mapped_;
    if (whole) std::align(large_page, round_up(bytes_, large_page), data_, room);
    // Members stand far apart in large buffers: with 4 KiB pages every group would miss the TLB.
    if (whole || bytes >= int64_t{large_page}) madvise(data_, round_up(bytes_, whole ? large_page : 1), MADV_HUGEPAGE);
  }
  // Over the caller's memory.
  HostBuffer(void* data, int64_t bytes) : bytes_(bytes), data_(data) {
    if (bytes < 0 || (!data && bytes > 0)) throw RuntimeError(fmt::format("a view of {} bytes at {}", bytes, data));
  }
  ~HostBuffer() override {
    if (mapping_ != nullptr) munmap(mapping_, mapped_);
  }
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;

  int64_t bytes() const override { return bytes_; }
  void* data() const { return data_; }
  void write(const void* from, int64_t count, int64_t offset) override {
    in_bounds("write", count, offset);
    if (count > 0) std::memcpy(static_cast<char*>(data_) + offset, from, size_t(count));
  }
  void read(void* to, int64_t count, int64_t offset) const override {
    in_bounds("read", count, offset);
    if (count > 0) std::memcpy(to, static_cast<const char*>(data_) + offset, size_t(count));
  }

 private:
  static constexpr size_t large_page = 2 << 20;
  static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }
  void in_bounds(const char* what, int64_t count, int64_t offset) const {
    if (count < 0 || offset < 0 || offset > bytes_ || count > bytes_ - offset) {
      throw RuntimeError(fmt::format("{} of {} bytes at {} in a buffer of {} bytes", what, count, offset, bytes_));
    }
  }
  int64_t bytes_;
  void* data_ = nullptr;
  void* mapping_ = nullptr;  // null: the memory is the caller's
  size_t mapped_ = 0;
};

// The arguments of a launch on the host, checked against the kernel: how many, of this kind, and large enough.
inline std::vector<HostBuffer*> host_buffers(const kernel::Kernel& kernel, const std::vector<DeviceBuffer*>& buffers,
                                             const std::vector<int32_t>& scalars) {
  std::vector<const kernel::Buffer*> globals;
  for (const kernel::Buffer& buffer : kernel.buffers) {
    if (buffer.space == kernel::Space::global) globals.push_back(&buffer);
  }
  if (buffers.size() != globals.size() || scalars.size() != kernel.scalars.size()) {
    throw RuntimeError(fmt::format("launch of {} with {} buffers and {} scalars, it takes {} and {}", kernel.name,
                                   buffers.size(), scalars.size(), globals.size(), kernel.scalars.size()));
  }
  std::vector<HostBuffer*> result;
  for (size_t k = 0; k < buffers.size(); ++k) {
    auto* host = dynamic_cast<HostBuffer*>(buffers[k]);
    if (!host) throw RuntimeError(fmt::format("launch of {}: buffer {} is not of this device", kernel.name, k));
    const int64_t needed = globals[k]->size * kernel::element_bytes(globals[k]->type);
    if (host->bytes() < needed) {
      throw RuntimeError(fmt::format("launch of {}: buffer {} has {} bytes, it needs {}", kernel.name, globals[k]->name,
                                     host->bytes(), needed));
    }
    result.push_back(host);
  }
  return result;
}

}  // namespace shoal
