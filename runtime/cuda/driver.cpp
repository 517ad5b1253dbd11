// Opening the driver and choosing the device.
#include "runtime/cuda/driver.h"

#include <array>

#include "compiler/support/error.h"

namespace shoal::cuda {
namespace {

constexpr int stub_library = 34, no_device = 100;

std::string why_init_failed(const Driver& driver, int result) {
  if (result == stub_library) return "the libcuda.so.1 found is the toolkit's stub, not a driver";
  if (result == no_device) return "the driver sees no GPU";
  return "cuInit: " + driver.error(result);
}

}  // namespace

// The unversioned libcuda.so may be the toolkit's stub, so it is never asked for.
Driver::Driver(const std::string& path, int ordinal)
    : library_("no CUDA device", {path.empty() ? "libcuda.so.1" : path}) {
#define SHOAL_CUDA(member, symbol_name, parameters) \
  member = reinterpret_cast<int(*) parameters>(library_.symbol(#symbol_name));
#include "runtime/cuda/driver_symbols.inc"
#undef SHOAL_CUDA
  if (const int result = init(0); result != 0) throw RuntimeError("no CUDA device: " + why_init_failed(*this, result));
  int count = 0;
  succeed(device_count(&count), "no CUDA device: cuDeviceGetCount");
  if (count == 0) throw RuntimeError("no CUDA device: the driver sees no GPU");
  if (ordinal < 0 || ordinal >= count)
    throw RuntimeError(fmt::format("no CUDA device: number {} of {} was asked for", ordinal, count));
  succeed(device_get(&device_, ordinal), "no CUDA device: cuDeviceGet");
  succeed(context_retain(&context_, device_), "no CUDA device: cuDevicePrimaryCtxRetain");
}

Driver::~Driver() { context_release(device_); }

std::string Driver::error(int result) const {
  const char *name = nullptr, *text = nullptr;
  if (error_name(result, &name) != 0 || !name) name = "unknown error";
  if (error_text(result, &text) != 0 || !text) text = "no description";
  return fmt::format("{} ({}): {}", name, result, text);
}

void Driver::succeed(int result, const std::string& what) const {
  if (result != 0) throw RuntimeError(what + ": " + error(result));
}

int Driver::attribute(DeviceAttribute which) const {
  int value = 0;
  succeed(device_attribute(&value, which, device_), fmt::format("cuDeviceGetAttribute {}", static_cast<int>(which)));
  return value;
}

std::string Driver::device_name_text() const {
  std::array<char, 256> name{};
  succeed(device_name(name.data(), static_cast<int>(name.size()) - 1, device_), "cuDeviceGetName");
  return name.data();
}

CurrentContext::CurrentContext(const Driver& driver) : driver_(driver) {
  driver.succeed(driver.context_push(driver.context()), "cuCtxPushCurrent");
}

CurrentContext::~CurrentContext() {
  void* popped = nullptr;
  driver_.context_pop(&popped);
}

}  // namespace shoal::cuda
