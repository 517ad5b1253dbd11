// The CUDA device: what it is, its caches of code, its memory.
#include "runtime/cuda/cuda_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "compiler/support/error.h"
#include "compiler/support/hash.h"
#include "compiler/support/text.h"
#include "runtime/code_cache.h"
#include "runtime/cuda/architectures.h"
#include "runtime/cuda/cuda_executable.h"
#include "runtime/cuda/cuda_memory.h"
#include "runtime/cuda/gpu.h"
#include "runtime/cuda/nvrtc.h"

namespace shoal::cuda {
namespace {

std::unique_ptr<Nvrtc> open_nvrtc(const std::string& path) {
  try {
    return std::make_unique<Nvrtc>(path);
  } catch (const RuntimeError& error) {
    throw RuntimeError(fmt::format("no CUDA device: {}", error.what()));
  }
}

// A device newer than the table still runs, through the highest architecture below it; what matters is asked of the
// driver.
Target nearest_target(const Gpu& gpu, int sm) {
  for (int known = sm; known >= 80; known--) {
    try {
      Target target = cuda_target(known);
      target.sm = sm;
      return target;
    } catch (const SpecError&) {
    }
  }
  throw RuntimeError(fmt::format("no CUDA device: {} is sm_{}, older than sm_80", gpu.name(), sm));
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Target target_of(const Gpu& gpu) {
  const int sm = gpu.attribute(compute_capability_major) * 10 + gpu.attribute(compute_capability_minor);
  Target target = nearest_target(gpu, sm);
  target.shared_bytes = gpu.attribute(shared_bytes_per_block);
  target.workers = std::max(1, gpu.attribute(multiprocessor_count));
  target.l2_bytes = gpu.attribute(l2_cache_bytes) / target.workers;
  return target;
}

}  // namespace

struct CudaDevice::State {
  State(const CudaOptions& options, KernelCache* cache)
      : gpu(std::make_shared<const Gpu>(
            std::make_shared<const Driver>(options.driver_path),
            GpuChoice{.ordinal = options.ordinal, .context = options.context, .stream = options.stream})),
        nvrtc(open_nvrtc(options.nvrtc_path)),
        target(target_of(*gpu)),
        images(cache) {}

  std::shared_ptr<const Gpu> gpu;
  std::unique_ptr<Nvrtc> nvrtc;
  Target target;
  CodeCache<LoadedImage> images;

  // `text`: a module's origin, or what its machine code is made from.
  CacheKey key_of(const std::string& text) const {
    return {fmt::format("shoal cuda image 2\nnvrtc {}\nsm {}\noptions {}\n{}", nvrtc->version(), target.sm,
                        nvrtc->options_text(target.sm), text)};
  }

  std::optional<CodeCache<LoadedImage>::Found> find(const CacheKey& key) {
    return images.find(key, [this](const std::string& image, const std::string& function) {
      return std::make_shared<LoadedImage>(gpu, image, function);
    });
  }

  std::shared_ptr<LoadedImage> compile(const CacheKey& key, const Module& module) {
    const CompiledImage image = nvrtc->compile(module.source, target.sm);
    try {
      return loaded(key, module, image.bytes);
    } catch (const CompileError&) {
      if (image.kind == CompiledImage::Kind::ptx) throw refused(module);
    }
    // A driver that is older than NVRTC may refuse its machine code, but take its PTX.
    try {
      return loaded(key, module, nvrtc->ptx(module.source, target.sm));
    } catch (const CompileError&) {
      throw refused(module);
    }
  }

  std::shared_ptr<LoadedImage> loaded(const CacheKey& key, const Module& module, const std::string& image) {
    auto made = std::make_shared<LoadedImage>(gpu, image, module.kernel.name);
    images.store(key, module, image, made);
    return made;
  }

  // The CompileError that is being handled, with the source that it is about.
  static CompileError refused(const Module& module) {
    try {
      throw;
    } catch (const CompileError& error) {
      return CompileError(error.what(), error.log, numbered(module.source));
    }
  }
};

CudaDevice::CudaDevice(const CudaOptions& options, KernelCache* cache)
    : state_(std::make_shared<State>(options, cache)) {}
CudaDevice::~CudaDevice() = default;

std::string CudaDevice::name() const { return "cuda"; }

std::string CudaDevice::description() const {
  size_t bytes = 0;
  const Gpu& gpu = *state_->gpu;
  gpu.driver().succeed(gpu.driver().device_memory(&bytes, gpu.device()), "cuDeviceTotalMem");
  return fmt::format("{}, sm_{}, {} multiprocessors, {:.1f} GiB, NVRTC {}", gpu.name(), state_->target.sm,
                     state_->target.workers, static_cast<double>(bytes) / (1 << 30), state_->nvrtc->version());
}

Target CudaDevice::target() const { return state_->target; }

std::unique_ptr<Executable> CudaDevice::load(const Module& module, LoadReport* report, const std::string& origin) {
  const auto start = std::chrono::steady_clock::now();
  check(module.target.kind == Target::Kind::cuda, "the CUDA device was given a module of another device");
  const CacheKey key = state_->key_of(
      origin.empty() ? fmt::format("source\nfunction {}\n{}", module.kernel.name, module.source) : origin);
  std::optional<CodeCache<LoadedImage>::Found> found = state_->find(key);
  if (!found) found.emplace(Module(), state_->compile(key, module), LoadReport::Source::compiled);
  if (report) *report = {found->source, seconds_since(start), hash128(key.material).hex()};
  return make_executable(std::move(found->code), module);
}

std::optional<Recalled> CudaDevice::recall(const std::string& origin, LoadReport* report) {
  const auto start = std::chrono::steady_clock::now();
  const CacheKey key = state_->key_of(origin);
  std::optional<CodeCache<LoadedImage>::Found> found = state_->find(key);
  if (!found) return std::nullopt;
  if (report) *report = {found->source, seconds_since(start), hash128(key.material).hex()};
  auto executable = make_executable(std::move(found->code), found->outline);
  return Recalled{std::move(found->outline), std::move(executable)};
}

std::unique_ptr<DeviceBuffer> CudaDevice::allocate(int64_t bytes) {
  return std::make_unique<CudaBuffer>(state_->gpu, bytes);
}

std::unique_ptr<DeviceBuffer> CudaDevice::view(uintptr_t address, int64_t bytes) {
  return std::make_unique<CudaBuffer>(state_->gpu, address, bytes);
}

int64_t CudaDevice::available_bytes() const {
  const CurrentContext current(*state_->gpu);
  size_t free_bytes = 0, total = 0;
  state_->gpu->driver().succeed(state_->gpu->driver().memory_info(&free_bytes, &total), "cuMemGetInfo");
  return static_cast<int64_t>(free_bytes);
}

bool CudaDevice::has_watchdog() const { return state_->gpu->attribute(kernel_time_limit) != 0; }
double CudaDevice::clock_ghz() const { return state_->gpu->attribute(clock_khz) * 1e-6; }
void CudaDevice::synchronize() const { state_->gpu->synchronize("the work on the GPU"); }

}  // namespace shoal::cuda
