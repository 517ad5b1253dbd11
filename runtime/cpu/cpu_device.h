// The CPU as a device: modules become machine code once, groups are shared among worker threads.
#pragma once

#include <memory>
#include <string>

#include "runtime/device.h"
#include "runtime/job_system.h"
#include "runtime/kernel_cache.h"

namespace shoal::cpu {

struct CpuOptions {
  int threads = 0;               // that run groups, the caller of launch among them; 0: one a core
  JobSystem jobs = {};           // with parallel_for set: the host's threads run groups, and none of our own
  KernelCache* cache = nullptr;  // may be null; if not, it must outlive the device
  std::string cpu = "native";    // as for detect_host
};

// Launches from several threads take turns, or are the job system's to order. A kernel whose schedule spreads a member
// over several threads (warps) runs on as many at once, whether there are cores for them or not; such kernels are
// refused (SpecError, place "schedule") with a job system, which promises no two threads at the same time.
class CpuDevice : public Device {
 public:
  explicit CpuDevice(const CpuOptions&);
  explicit CpuDevice(int threads = 0, KernelCache* cache = nullptr);
  ~CpuDevice() override;
  std::string name() const override;
  std::string description() const override;
  Target target() const override;
  // Executables stay usable after the device is gone.
  std::unique_ptr<Executable> load(const Module&, LoadReport* = nullptr, const std::string& origin = {}) override;
  std::optional<Recalled> recall(const std::string& origin, LoadReport* = nullptr) override;
  std::unique_ptr<DeviceBuffer> allocate(int64_t bytes) override;
  std::unique_ptr<DeviceBuffer> view(uintptr_t address, int64_t bytes) override;

 private:
  void expect_threads(const Module&) const;  // SpecError for a team that cannot be had

  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace shoal::cpu
