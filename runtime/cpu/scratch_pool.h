// Memory for what kernels call shared: taken for the length of a launch, and kept for the next one.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime/reference/host_buffer.h"

namespace shoal::cpu {

// From this size on a piece takes a page of 2 MiB. In pages of 4 KiB, which stand anywhere in memory, it fills a good
// part of the TLB's first level, and with data and parameters beside it a kernel may take twice its time
// (docs/measurements/cpu-2026-11-30-zen4.md).
constexpr int64_t worth_a_large_page = 32 << 10;

// Every piece begins on a page of its own, so no two workers write to one cache line.
class ScratchPool {
 public:
  class Piece {
   public:
    Piece(ScratchPool& pool, std::unique_ptr<HostBuffer> memory) : pool_(pool), memory_(std::move(memory)) {}
    ~Piece() {
      const std::lock_guard lock(pool_.mutex_);
      pool_.free_.push_back(std::move(memory_));
    }
    Piece(const Piece&) = delete;
    Piece& operator=(const Piece&) = delete;
    void* data() const { return memory_->data(); }

   private:
    ScratchPool& pool_;
    std::unique_ptr<HostBuffer> memory_;
  };

  // At least `bytes`, holding anything. Threads may call at once. Throws RuntimeError when there is no memory.
  Piece take(int64_t bytes) {
    std::unique_ptr<HostBuffer> memory;
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        memory = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (!memory || memory->bytes() < bytes) {
      memory.reset();
      const bool large = bytes >= worth_a_large_page;
      memory = std::make_unique<HostBuffer>(std::max<int64_t>(bytes, 64),
                                            large ? HostBuffer::LargePages::whole : HostBuffer::LargePages::by_size);
    }
    return Piece(*this, std::move(memory));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<HostBuffer>> free_;
};

}  // namespace shoal::cpu
