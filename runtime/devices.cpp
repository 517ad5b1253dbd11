// Opening devices, and saying why one cannot be opened.
#include "runtime/devices.h"

#include <fmt/format.h>

#include <charconv>

#include "compiler/support/error.h"
#include "runtime/cuda/architectures.h"
#include "runtime/cuda/cuda_device.h"
#include "runtime/reference/reference_device.h"
#if SHOAL_CPU
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/host.h"
#endif

namespace shoal::runtime {
namespace {

Target machine_target() {
#if SHOAL_CPU
  return cpu::detect_host("native");
#else
  return {};
#endif
}

// "cpu" with all that this machine has, "cpu:x86-64-v3" with no more than that level.
std::unique_ptr<Device> open_cpu([[maybe_unused]] const DeviceOptions& options) {
#if SHOAL_CPU
  cpu::CpuOptions cpu{.threads = options.threads, .jobs = options.jobs, .cache = options.cache};
  if (const std::string& name = options.name; name != "cpu") cpu.cpu = name.substr(std::string_view("cpu:").size());
  return std::make_unique<cpu::CpuDevice>(cpu);
#else
  throw RuntimeError("no CPU device: this shoal was built without LLVM; use --device reference");
#endif
}

// "cuda" is the first GPU, "cuda:1" the second.
std::unique_ptr<Device> open_cuda(const DeviceOptions& options) {
  cuda::CudaOptions cuda;
  cuda.context = options.cuda_context;
  cuda.stream = options.cuda_stream;
  if (const std::string& name = options.name; name != "cuda") {
    const char *begin = name.data() + 5, *end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(begin, end, cuda.ordinal);
    if (error != std::errc{} || stop != end || cuda.ordinal < 0)
      throw SpecError("--device", fmt::format("expected cuda: and a number, as in cuda:1, got \"{}\"", name));
  }
  return std::make_unique<cuda::CudaDevice>(cuda, options.cache);
}

std::unique_ptr<Device> open_named(const DeviceOptions& options) {
  if (options.name == "reference") return std::make_unique<ReferenceDevice>(machine_target());
  if (options.name == "cpu" || options.name.starts_with("cpu:")) return open_cpu(options);
  if (options.name == "cuda" || options.name.starts_with("cuda:")) return open_cuda(options);
  throw SpecError("--device", fmt::format("expected reference, cpu or cuda, got \"{}\"", options.name));
}

}  // namespace

std::unique_ptr<Device> open_device(const DeviceOptions& options) {
  if (!options.name.empty()) return open_named(options);
  std::string reasons;
  for (const std::string name : {"cuda", "cpu", "reference"}) {
    DeviceOptions one = options;
    one.name = name;
    try {
      return open_named(one);
    } catch (const RuntimeError& error) {
      reasons += fmt::format("; {}: {}", name, error.what());  // the next one may serve
    }
  }
  throw RuntimeError("no device can be used" + reasons);
}

std::vector<DeviceReport> list_devices(const DeviceOptions& options) {
  std::vector<DeviceReport> reports;
  for (const std::string name : {"cuda", "cpu", "reference"}) {
    DeviceOptions one = options;
    one.name = name;
    try {
      reports.push_back({name, open_named(one)->description(), true});
    } catch (const Error& error) {
      reports.push_back({name, error.what(), false});
    }
  }
  return reports;
}

Target target_by_name(const std::string& name) {
  if (name.rfind("sm_", 0) == 0) {
    int sm = 0;
    const auto [end, error] = std::from_chars(name.data() + 3, name.data() + name.size(), sm);
    if (error == std::errc{} && end == name.data() + name.size()) return cuda::cuda_target(sm);
    throw SpecError("--target", fmt::format("expected sm_ and a number, as in sm_90, got \"{}\"", name));
  }
  if (name == "cuda") return cuda::CudaDevice().target();
#if SHOAL_CPU
  return cpu::target_for(name == "cpu" ? "native" : name);
#else
  if (name == "cpu") return {};
  throw SpecError("--target",
                  fmt::format("expected cpu or sm_NN (this shoal was built without LLVM), got \"{}\"", name));
#endif
}

std::string target_name(const Target& target) {
  switch (target.kind) {
    case Target::Kind::cpu: return "cpu";
    case Target::Kind::cuda: return fmt::format("sm_{}", target.sm);
  }
  throw InternalError("internal error: a kind of target that is none");
}

}  // namespace shoal::runtime
