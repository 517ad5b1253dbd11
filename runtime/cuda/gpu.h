// One GPU as shoal uses it: a context and one stream on which everything happens in order; the caller's own if given.
#pragma once

#include <memory>
#include <string>

#include "runtime/cuda/driver.h"

namespace shoal::cuda {

struct GpuChoice {
  int ordinal = 0;          // of the device, when no context is given
  void* context = nullptr;  // CUcontext of the caller; null: the device's primary context
  void* stream = nullptr;   // CUstream of that context; null: one of its own, which no other stream waits for
};

// Thread-safe. The caller's context and stream must outlive it.
class Gpu {
 public:
  // Throws RuntimeError "no CUDA device: ..." when there is no such device.
  Gpu(std::shared_ptr<const Driver>, const GpuChoice&);
  ~Gpu();  // waits for what was started on a stream of its own
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  const Driver& driver() const { return *driver_; }
  int device() const { return device_; }
  void* context() const { return context_; }
  void* stream() const { return stream_; }
  bool orders_memory() const { return orders_memory_; }  // allocates and frees in the order of the stream

  int attribute(DeviceAttribute) const;
  std::string name() const;
  void synchronize(const std::string& what) const;  // waits for the stream; throws what went wrong in its work

 private:
  std::shared_ptr<const Driver> driver_;
  int device_ = 0;
  void *context_ = nullptr, *stream_ = nullptr;
  bool retained_ = false, own_stream_ = false, orders_memory_ = false;
};

// Makes the context current for this thread and puts back whatever was current before: the host program may have
// contexts of its own.
class CurrentContext {
 public:
  explicit CurrentContext(const Gpu& gpu) : CurrentContext(gpu.driver(), gpu.context()) {}
  CurrentContext(const Driver&, void* context);
  ~CurrentContext();
  CurrentContext(const CurrentContext&) = delete;
  CurrentContext& operator=(const CurrentContext&) = delete;

 private:
  const Driver& driver_;
};

}  // namespace shoal::cuda
