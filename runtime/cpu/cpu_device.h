// The CPU as a device: modules become machine code once, groups are shared among worker threads.
#pragma once

#include <memory>
#include <string>

#include "runtime/device.h"
#include "runtime/kernel_cache.h"

namespace shoal::cpu {

class CpuDevice : public Device {
 public:
  // `threads` 0: one a core. `cpu` as for detect_host. `cache` may be null; if not, it must outlive the device.
  explicit CpuDevice(int threads = 0, KernelCache* cache = nullptr, const std::string& cpu = "native");
  ~CpuDevice() override;
  std::string name() const override;
  std::string description() const override;
  Target target() const override;
  // Executables stay usable after the device is gone.
  std::unique_ptr<Executable> load(const Module&, LoadReport* = nullptr) override;
  std::unique_ptr<DeviceBuffer> allocate(int64_t bytes) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace shoal::cpu
