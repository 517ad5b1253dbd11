// The CPU as a device: its cache of loaded code, its scratch memory and its launches.
#include "runtime/cpu/cpu_device.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "compiler/support/error.h"
#include "compiler/support/hash.h"
#include "runtime/code_cache.h"
#include "runtime/cpu/host.h"
#include "runtime/cpu/jit.h"
#include "runtime/cpu/launcher.h"
#include "runtime/cpu/workers.h"
#include "runtime/reference/host_buffer.h"

namespace shoal::cpu {

struct CpuDevice::State {
  explicit State(const CpuOptions& options)
      : target(detect_host(options.cpu, options.jobs.parallel_for ? options.jobs.workers : options.threads)),
        workers(make_workers(target.workers, options.jobs)),
        code(options.cache) {
    target.teams = target.teams && workers->can_run_together();
  }

  Target target;
  std::unique_ptr<Workers> workers;
  ScratchPool scratch;
  Linker linker;  // outlives the code
  CodeCache<LoadedCode> code;

  std::optional<CodeCache<LoadedCode>::Found> find(const CacheKey& key) {
    return code.find(key, [this](const std::string& object, const std::string& function) {
      return std::shared_ptr<LoadedCode>(linker.load(object, function));
    });
  }
};

namespace {

// `text`: a module's origin, or what its machine code is made from.
CacheKey key_of(const std::string& text) {
  return {fmt::format("shoal cpu object 2\nllvm {}\noptions O2 pic small no-passes\n{}", llvm_version(), text)};
}

std::string source_text(const Module& module) {
  const emit::CpuFeatures& cpu = module.target.cpu;
  return fmt::format("source\ncpu {}\nfeatures {}\ntriple {}\nfunction {}\n{}", cpu.cpu, cpu.features, cpu.triple,
                     module.kernel.name, module.source);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

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

std::unique_ptr<Executable> CpuDevice::load(const Module& module, LoadReport* report, const std::string& origin) {
  const auto start = std::chrono::steady_clock::now();
  check(module.target.kind == Target::Kind::cpu, "the CPU device was given a module of another device");
  expect_threads(module);
  const CacheKey key = key_of(origin.empty() ? source_text(module) : origin);
  std::optional<CodeCache<LoadedCode>::Found> found = state_->find(key);
  if (!found) {
    const std::string object = compile_object(module.source, module.target.cpu);
    std::shared_ptr<LoadedCode> code = state_->linker.load(object, module.kernel.name);
    state_->code.store(key, module, object, code);
    found.emplace(Module(), std::move(code), LoadReport::Source::compiled);
  }
  if (report) *report = {found->source, seconds_since(start), hash128(key.material).hex()};
  return std::make_unique<Compiled>(state_, *state_->workers, state_->scratch, std::move(found->code), module);
}

std::optional<Recalled> CpuDevice::recall(const std::string& origin, LoadReport* report) {
  const auto start = std::chrono::steady_clock::now();
  const CacheKey key = key_of(origin);
  std::optional<CodeCache<LoadedCode>::Found> found = state_->find(key);
  if (!found) return std::nullopt;
  expect_threads(found->outline);
  if (report) *report = {found->source, seconds_since(start), hash128(key.material).hex()};
  auto executable =
      std::make_unique<Compiled>(state_, *state_->workers, state_->scratch, std::move(found->code), found->outline);
  return Recalled{std::move(found->outline), std::move(executable)};
}

void CpuDevice::expect_threads(const Module& module) const {
  if (module.kernel.warps > 1 && !state_->workers->can_run_together())
    throw SpecError("schedule", fmt::format("'{}' needs {} threads at the same time, which the host's job system does "
                                            "not promise; use a schedule without warps",
                                            module.schedule, module.kernel.warps));
}

std::unique_ptr<DeviceBuffer> CpuDevice::allocate(int64_t bytes) { return std::make_unique<HostBuffer>(bytes); }
std::unique_ptr<DeviceBuffer> CpuDevice::view(uintptr_t address, int64_t bytes) {
  return std::make_unique<HostBuffer>(reinterpret_cast<void*>(address), bytes);
}

}  // namespace shoal::cpu
