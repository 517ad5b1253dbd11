// The interpreter as a device.
#include "runtime/reference/reference_device.h"

#include <chrono>
#include <utility>

#include "compiler/support/hash.h"
#include "runtime/reference/host_buffer.h"

namespace shoal {

namespace {

class Interpreted : public Executable {
 public:
  Interpreted(kernel::Kernel kernel, int64_t groups, kernel::InterpretOptions options)
      : kernel_(std::move(kernel)), groups_(groups), options_(options) {}

  void launch(const std::vector<DeviceBuffer*>& buffers, const std::vector<int32_t>& scalars) override {
    std::vector<kernel::Memory> memory;
    for (HostBuffer* buffer : host_buffers(kernel_, buffers, scalars)) {
      // Global buffers come first, in the order of the arguments.
      const int64_t bytes = kernel::element_bytes(kernel_.buffers[memory.size()].type);
      memory.push_back({.data = buffer->data(), .elements = buffer->bytes() / bytes});
    }
    kernel::interpret(kernel_, 0, int32_t(groups_), memory, scalars, options_);
  }

 private:
  kernel::Kernel kernel_;
  int64_t groups_;
  kernel::InterpretOptions options_;
};

}  // namespace

ReferenceDevice::ReferenceDevice(Target target, kernel::InterpretOptions options)
    : target_(std::move(target)), options_(options) {}

std::string ReferenceDevice::name() const { return "reference"; }
std::string ReferenceDevice::description() const { return "the kernel interpreter, one thread"; }
Target ReferenceDevice::target() const { return target_; }

std::unique_ptr<Executable> ReferenceDevice::load(const Module& module, LoadReport* report,
                                                  const std::string& /*origin*/) {
  const auto start = std::chrono::steady_clock::now();
  kernel::verify(module.kernel, "load");
  auto executable = std::make_unique<Interpreted>(module.kernel, module.groups, options_);
  if (report) {
    report->source = LoadReport::Source::compiled;
    report->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report->key = hash128(kernel::print(module.kernel)).hex();
  }
  return executable;
}

std::unique_ptr<DeviceBuffer> ReferenceDevice::allocate(int64_t bytes) { return std::make_unique<HostBuffer>(bytes); }
std::unique_ptr<DeviceBuffer> ReferenceDevice::view(uintptr_t address, int64_t bytes) {
  return std::make_unique<HostBuffer>(reinterpret_cast<void*>(address), bytes);
}

}  // namespace shoal
