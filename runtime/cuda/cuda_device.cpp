// The CUDA device: what it is, its caches of code, its memory.
#include "runtime/cuda/cuda_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

#include "compiler/support/error.h"
#include "compiler/support/hash.h"
#include "compiler/support/text.h"
#include "runtime/cuda/architectures.h"
#include "runtime/cuda/cuda_executable.h"
#include "runtime/cuda/cuda_memory.h"
#include "runtime/cuda/gpu.h"
#include "runtime/cuda/nvrtc.h"

namespace shoal::cuda {
namespace {

// Images are kept for the next load of the same module; the oldest goes first. Executables hold on to their own.
constexpr size_t kept_images = 64;

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
  State(const CudaOptions& options, KernelCache* cache_)
      : gpu(std::make_shared<const Gpu>(
            std::make_shared<const Driver>(options.driver_path),
            GpuChoice{.ordinal = options.ordinal, .context = options.context, .stream = options.stream})),
        nvrtc(open_nvrtc(options.nvrtc_path)),
        target(target_of(*gpu)),
        cache(cache_) {}

  std::shared_ptr<const Gpu> gpu;
  std::unique_ptr<Nvrtc> nvrtc;
  Target target;
  KernelCache* cache;
  std::mutex mutex;                                                      // guards `kept`
  std::list<std::pair<std::string, std::shared_ptr<LoadedImage>>> kept;  // newest first

  CacheKey key_of(const Module& module) const {
    return {fmt::format("shoal cuda image 1\nnvrtc {}\nsm {}\noptions {}\nfunction {}\n{}", nvrtc->version(), target.sm,
                        nvrtc->options_text(target.sm), module.kernel.name, module.source)};
  }

  std::shared_ptr<LoadedImage> find(const std::string& material) {
    const std::lock_guard lock(mutex);
    const auto at = std::find_if(kept.begin(), kept.end(), [&](const auto& entry) { return entry.first == material; });
    if (at == kept.end()) return nullptr;
    kept.splice(kept.begin(), kept, at);
    return at->second;
  }

  void keep(const std::string& material, const std::shared_ptr<LoadedImage>& image) {
    const std::lock_guard lock(mutex);
    kept.emplace_front(material, image);
    if (kept.size() > kept_images) kept.pop_back();
  }

  std::shared_ptr<LoadedImage> from_disk(const CacheKey& key, const std::string& function) const {
    const std::optional<std::string> image = cache ? cache->find(key) : std::nullopt;
    if (!image) return nullptr;
    try {
      return std::make_shared<LoadedImage>(gpu, *image, function);
    } catch (const Error&) {
      return nullptr;  // a damaged entry is a miss; compiling writes it anew
    }
  }

  std::shared_ptr<LoadedImage> compile(const CacheKey& key, const Module& module) const {
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

  std::shared_ptr<LoadedImage> loaded(const CacheKey& key, const Module& module, const std::string& image) const {
    auto made = std::make_shared<LoadedImage>(gpu, image, module.kernel.name);
    if (cache) cache->store(key, image);
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

std::unique_ptr<Executable> CudaDevice::load(const Module& module, LoadReport* report) {
  const auto start = std::chrono::steady_clock::now();
  check(module.target.kind == Target::Kind::cuda, "the CUDA device was given a module of another device");
  const CacheKey key = state_->key_of(module);
  auto source = LoadReport::Source::memory;
  std::shared_ptr<LoadedImage> image = state_->find(key.material);
  if (!image) {
    source = LoadReport::Source::disk;
    image = state_->from_disk(key, module.kernel.name);
    if (!image) {
      source = LoadReport::Source::compiled;
      image = state_->compile(key, module);
    }
    state_->keep(key.material, image);
  }
  if (report) {
    report->source = source;
    report->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report->key = hash128(key.material).hex();
  }
  return make_executable(std::move(image), module);
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
