// Opening the driver.
#include "runtime/cuda/driver.h"

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
Driver::Driver(const std::string& path) : library_("no CUDA device", {path.empty() ? "libcuda.so.1" : path}) {
#define SHOAL_CUDA(member, symbol_name, parameters) \
  member = reinterpret_cast<int(*) parameters>(library_.symbol(#symbol_name));
#include "runtime/cuda/driver_symbols.inc"
#undef SHOAL_CUDA
  if (const int result = init(0); result != 0) throw RuntimeError("no CUDA device: " + why_init_failed(*this, result));
  succeed(device_count(&devices_), "no CUDA device: cuDeviceGetCount");
  if (devices_ == 0) throw RuntimeError("no CUDA device: the driver sees no GPU");
}

std::string Driver::error(int result) const {
  const char *name = nullptr, *text = nullptr;
  if (error_name(result, &name) != 0 || !name) name = "unknown error";
  if (error_text(result, &text) != 0 || !text) text = "no description";
  return fmt::format("{} ({}): {}", name, result, text);
}

void Driver::succeed(int result, const std::string& what) const {
  if (result != 0) throw RuntimeError(what + ": " + error(result));
}

}  // namespace shoal::cuda
