// Devices by name: "reference", "cpu", "cpu:x86-64-v3", "cuda", "cuda:1"; and targets by name, for compiling without
// the machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/device.h"
#include "runtime/job_system.h"
#include "runtime/kernel_cache.h"

namespace shoal::runtime {

struct DeviceOptions {
  std::string name;              // empty: cuda if there is a GPU, else cpu, else reference
  int threads = 0;               // of the CPU; 0: one a core
  JobSystem jobs = {};           // with parallel_for set, the host's threads run the CPU's groups, instead of our own
  KernelCache* cache = nullptr;  // must outlive the device
  void* cuda_context = nullptr;  // CUcontext and CUstream of the caller, for "cuda"; null: shoal's own
  void* cuda_stream = nullptr;
};

// Throws SpecError for an unknown name, and RuntimeError with the reason when the device cannot be used.
std::unique_ptr<Device> open_device(const DeviceOptions&);

struct DeviceReport {
  std::string name, text;  // the description, or why it cannot be used
  bool available = false;
};
std::vector<DeviceReport> list_devices(const DeviceOptions&);

// "cpu" (this machine), "x86-64", "x86-64-v2", ..., "sm_90", or "cuda" (this machine's GPU). Throws SpecError for
// others.
Target target_by_name(const std::string& name);
std::string target_name(const Target&);  // "sm_90", or "cpu"

}  // namespace shoal::runtime
