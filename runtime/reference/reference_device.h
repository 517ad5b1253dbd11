// The interpreter as a device: the living definition of what a kernel means. Runs modules of every target, slowly.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/kernel/kernel.h"
#include "runtime/device.h"

namespace shoal {

class ReferenceDevice : public Device {
 public:
  // `target` is what target() answers: usually that of the machine's CPU.
  explicit ReferenceDevice(Target target, kernel::InterpretOptions options = {});
  std::string name() const override;
  std::string description() const override;
  Target target() const override;
  std::unique_ptr<Executable> load(const Module&, LoadReport* = nullptr, const std::string& origin = {}) override;
  std::unique_ptr<DeviceBuffer> allocate(int64_t bytes) override;
  std::unique_ptr<DeviceBuffer> view(uintptr_t address, int64_t bytes) override;

 private:
  Target target_;
  kernel::InterpretOptions options_;
};

}  // namespace shoal
