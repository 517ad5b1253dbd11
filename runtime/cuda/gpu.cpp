// Choosing a device, its context and its stream.
#include "runtime/cuda/gpu.h"

#include <array>
#include <utility>

#include "compiler/support/error.h"

namespace shoal::cuda {
namespace {

constexpr unsigned non_blocking = 1;  // a stream that does not wait for the default stream, nor makes it wait

}  // namespace

Gpu::Gpu(std::shared_ptr<const Driver> driver, const GpuChoice& choice)
    : driver_(std::move(driver)), context_(choice.context), stream_(choice.stream) {
  if (choice.stream && !choice.context)
    throw RuntimeError("no CUDA device: a stream was given without the context that it belongs to");
  if (choice.context) {
    const CurrentContext current(*driver_, context_);
    driver_->succeed(driver_->context_device(&device_), "no CUDA device: cuCtxGetDevice of the given context");
  } else {
    if (choice.ordinal < 0 || choice.ordinal >= driver_->devices())
      throw RuntimeError(
          fmt::format("no CUDA device: number {} of {} was asked for", choice.ordinal, driver_->devices()));
    driver_->succeed(driver_->device_get(&device_, choice.ordinal), "no CUDA device: cuDeviceGet");
    driver_->succeed(driver_->context_retain(&context_, device_), "no CUDA device: cuDevicePrimaryCtxRetain");
    retained_ = true;
  }
  int pools = 0;
  orders_memory_ = driver_->device_attribute(&pools, memory_pools, device_) == 0 && pools == 1;
  if (stream_) return;
  try {
    const CurrentContext current(*this);
    driver_->succeed(driver_->stream_create(&stream_, non_blocking), "no CUDA device: cuStreamCreate");
    own_stream_ = true;
  } catch (...) {
    if (retained_) driver_->context_release(device_);
    throw;
  }
}

Gpu::~Gpu() {
  try {
    const CurrentContext current(*this);
    if (own_stream_) {
      driver_->stream_synchronize(stream_);
      driver_->stream_destroy(stream_);
    }
  } catch (const RuntimeError&) {
    // The context is lost after a fault on the GPU, and the stream with it.
  }
  if (retained_) driver_->context_release(device_);
}

int Gpu::attribute(DeviceAttribute which) const {
  int value = 0;
  driver_->succeed(driver_->device_attribute(&value, which, device_),
                   fmt::format("cuDeviceGetAttribute {}", static_cast<int>(which)));
  return value;
}

std::string Gpu::name() const {
  std::array<char, 256> name{};
  driver_->succeed(driver_->device_name(name.data(), static_cast<int>(name.size()) - 1, device_), "cuDeviceGetName");
  return name.data();
}

void Gpu::synchronize(const std::string& what) const {
  const CurrentContext current(*this);
  driver_->succeed(driver_->stream_synchronize(stream_), what);
}

CurrentContext::CurrentContext(const Driver& driver, void* context) : driver_(driver) {
  driver.succeed(driver.context_push(context), "cuCtxPushCurrent");
}

CurrentContext::~CurrentContext() {
  void* popped = nullptr;
  driver_.context_pop(&popped);
}

}  // namespace shoal::cuda
