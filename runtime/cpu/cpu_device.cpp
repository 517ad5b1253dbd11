// The CPU as a device: its cache of loaded code, its scratch memory and its launches.
#include "runtime/cpu/cpu_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "compiler/support/error.h"
#include "compiler/support/hash.h"
#include "runtime/cpu/host.h"
#include "runtime/cpu/jit.h"
#include "runtime/cpu/launcher.h"
#include "runtime/cpu/workers.h"
#include "runtime/reference/host_buffer.h"

namespace shoal::cpu {

namespace {

// Code is kept for the next load of the same module; the oldest goes first. Executables hold on to their own.
constexpr size_t kKeptKernels = 64;

CacheKey key_of(const Module& module) {
  return {
      fmt::format("shoal cpu object 1\nllvm {}\ncpu {}\nfeatures {}\ntriple {}\noptions O2 pic small no-passes\n"
                  "function {}\n{}",
                  llvm_version(), module.target.cpu.cpu, module.target.cpu.features, module.target.cpu.triple,
                  module.kernel.name, module.source)};
}

}  // namespace

struct CpuDevice::State {
  explicit State(const CpuOptions& options)
      : target(detect_host(options.cpu, options.jobs.parallel_for ? options.jobs.workers : options.threads)),
        workers(make_workers(target.workers, options.jobs)),
        cache(options.cache) {
    target.teams = target.teams && workers->can_run_together();
  }

  Target target;
  std::unique_ptr<Workers> workers;
  ScratchPool scratch;
  KernelCache* cache;
  Linker linker;                                                        // outlives the code below
  std::mutex mutex;                                                     // guards `kept`
  std::list<std::pair<std::string, std::shared_ptr<LoadedCode>>> kept;  // newest first

  std::shared_ptr<LoadedCode> find(const std::string& material) {
    const std::lock_guard lock(mutex);
    auto at = std::find_if(kept.begin(), kept.end(), [&](const auto& entry) { return entry.first == material; });
    if (at == kept.end()) return nullptr;
    kept.splice(kept.begin(), kept, at);
    return at->second;
  }

  void keep(const std::string& material, const std::shared_ptr<LoadedCode>& code) {
    const std::lock_guard lock(mutex);
    kept.emplace_front(material, code);
    if (kept.size() > kKeptKernels) kept.pop_back();
  }

  std::shared_ptr<LoadedCode> from_disk(const CacheKey& key, const std::string& function) {
    const std::optional<std::string> object = cache ? cache->find(key) : std::nullopt;
    if (!object) return nullptr;
    try {
      return linker.load(*object, function);
    } catch (const CompileError&) {
      return nullptr;  // a damaged entry is a miss; compiling writes it anew
    }
  }
};

namespace {

class Compiled : public Executable {
 public:
  Compiled(std::shared_ptr<void> device, Workers& workers, ScratchPool& scratch, std::shared_ptr<LoadedCode> code,
           const Module& module)
      : device_(std::move(device)), launcher_(workers, scratch), code_(std::move(code)), groups_(module.groups) {
    signature_.name = module.kernel.name;
    signature_.warps = module.kernel.warps;
    signature_.shared_elements = module.kernel.shared_elements;
    signature_.buffers = module.kernel.buffers;
    signature_.scalars = module.kernel.scalars;
  }

  void launch(const std::vector<DeviceBuffer*>& buffers, const std::vector<int32_t>& scalars) override {
    std::vector<void*> pointers;
    for (HostBuffer* buffer : host_buffers(signature_, buffers, scalars)) pointers.push_back(buffer->data());
    launcher_.launch({code_->function(), signature_, groups_, std::move(pointers), scalars});
  }

 private:
  std::shared_ptr<void> device_;  // keeps workers, scratch and linker alive; declared first, so it goes last
  Launcher launcher_;
  std::shared_ptr<LoadedCode> code_;
  kernel::Kernel signature_;  // without code
  int64_t groups_;
};

}  // namespace

CpuDevice::CpuDevice(const CpuOptions& options) : state_(std::make_shared<State>(options)) {}
CpuDevice::CpuDevice(int threads, KernelCache* cache) : CpuDevice(CpuOptions{.threads = threads, .cache = cache}) {}
CpuDevice::~CpuDevice() = default;

std::string CpuDevice::name() const { return "cpu"; }

std::string CpuDevice::description() const {
  const int workers = state_->workers->workers();
  std::string text = fmt::format("{}, {} {}thread{}", host_model_name(), workers,
                                 state_->workers->can_run_together() ? "" : "host ", workers == 1 ? "" : "s");
  for (const char* feature : {"avx512f", "avx2", "fma"}) {
    if (state_->target.cpu.features.find(fmt::format("+{}", feature)) != std::string::npos) {
      text += fmt::format("{}{}", text.ends_with("s") || text.ends_with("thread") ? ", " : " ", feature);
    }
  }
  return text;
}

Target CpuDevice::target() const { return state_->target; }

std::unique_ptr<Executable> CpuDevice::load(const Module& module, LoadReport* report) {
  const auto start = std::chrono::steady_clock::now();
  check(module.target.kind == Target::Kind::cpu, "the CPU device was given a module of another device");
  if (module.kernel.warps > 1 && !state_->workers->can_run_together())
    throw SpecError("schedule", fmt::format("'{}' needs {} threads at the same time, which the host's job system does "
                                            "not promise; use a schedule without warps",
                                            module.schedule, module.kernel.warps));
  const CacheKey key = key_of(module);
  auto source = LoadReport::Source::memory;
  std::shared_ptr<LoadedCode> code = state_->find(key.material);
  if (!code) {
    source = LoadReport::Source::disk;
    code = state_->from_disk(key, module.kernel.name);
    if (!code) {
      source = LoadReport::Source::compiled;
      const std::string object = compile_object(module.source, module.target.cpu);
      code = state_->linker.load(object, module.kernel.name);
      if (state_->cache) state_->cache->store(key, object);
    }
    state_->keep(key.material, code);
  }
  if (report) {
    report->source = source;
    report->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report->key = hash128(key.material).hex();
  }
  return std::make_unique<Compiled>(state_, *state_->workers, state_->scratch, std::move(code), module);
}

std::unique_ptr<DeviceBuffer> CpuDevice::allocate(int64_t bytes) { return std::make_unique<HostBuffer>(bytes); }
std::unique_ptr<DeviceBuffer> CpuDevice::view(uintptr_t address, int64_t bytes) {
  return std::make_unique<HostBuffer>(reinterpret_cast<void*>(address), bytes);
}

}  // namespace shoal::cpu
