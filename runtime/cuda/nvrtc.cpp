// Compiling with NVRTC.
#include "runtime/cuda/nvrtc.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <semaphore>
#include <thread>

#include "compiler/support/error.h"
#include "compiler/support/text.h"
#include "runtime/cuda/dynamic_library.h"

namespace shoal::cuda {
namespace {

using NvrtcProgram = struct NvrtcProgramHandle*;

struct Functions {
#define SHOAL_NVRTC(name, parameters) int(*name) parameters = nullptr;
#include "runtime/cuda/nvrtc_symbols.inc"
#undef SHOAL_NVRTC
};

struct ImageOption {
  std::string name;
  CompiledImage::Kind kind;
};

std::vector<std::string> candidates(const std::string& path) {
  constexpr const char* names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"};
  std::vector<std::string> out;
  std::error_code ignored;
  if (!path.empty() && !std::filesystem::is_directory(path, ignored)) return {path};
  if (!path.empty()) {
    for (const char* name : names) out.push_back((std::filesystem::path(path) / name).string());
    return out;
  }
  for (const char* name : names) out.push_back(name);
  for (const char* name : names) out.push_back(std::string("/usr/local/cuda/lib64/") + name);
  return out;
}

}  // namespace

struct Nvrtc::State {
  explicit State(const std::string& path)
      : library("NVRTC cannot be opened", candidates(path)),
        slots(static_cast<std::ptrdiff_t>(std::clamp(std::thread::hardware_concurrency(), 1u, 8u))) {
#define SHOAL_NVRTC(name, parameters) nvrtc.name = reinterpret_cast<int(*) parameters>(library.symbol(#name));
#include "runtime/cuda/nvrtc_symbols.inc"
#undef SHOAL_NVRTC
    succeed(nvrtc.nvrtcVersion(&major, &minor), "nvrtcVersion");
    int count = 0;
    succeed(nvrtc.nvrtcGetNumSupportedArchs(&count), "nvrtcGetNumSupportedArchs");
    architectures.resize(static_cast<size_t>(count));
    succeed(nvrtc.nvrtcGetSupportedArchs(architectures.data()), "nvrtcGetSupportedArchs");
    std::sort(architectures.begin(), architectures.end());
    preload_builtins();
  }

  // NVRTC asks the loader for its builtins by name, which only searches the default path: ours stands beside it.
  void preload_builtins() const {
    const auto folder = std::filesystem::path(library.path()).parent_path();
    const std::string name = fmt::format("libnvrtc-builtins.so.{}.{}", major, minor);
    try {
      DynamicLibrary("NVRTC's builtins cannot be opened", {(folder / name).string()});
    } catch (const RuntimeError&) {
      // Then NVRTC's own search has to do; its log says so if it does not.
    }
  }

  static void succeed(int result, const char* function) {
    if (result != 0) throw RuntimeError(fmt::format("{} failed with NVRTC error {}", function, result));
  }

  std::string log_of(NvrtcProgram program) const {
    size_t bytes = 0;
    if (nvrtc.nvrtcGetProgramLogSize(program, &bytes) != 0 || bytes <= 1) return {};
    std::string log(bytes, '\0');
    if (nvrtc.nvrtcGetProgramLog(program, log.data()) != 0) return {};
    log.resize(bytes - 1);
    return log;
  }

  CompiledImage build(const std::string& source, const ImageOption&,
                      const std::vector<std::string>& more_options) const;

  DynamicLibrary library;
  Functions nvrtc;
  int major = 0, minor = 0;
  std::vector<int> architectures;
  mutable std::counting_semaphore<8> slots;  // a compilation takes hundreds of MB
};

namespace {

// Destroys the program whatever happens: a leaked one keeps its memory for the life of the process.
class Program {
 public:
  Program(const Functions& nvrtc, const std::string& source) : nvrtc_(nvrtc) {
    if (nvrtc.nvrtcCreateProgram(&handle, source.c_str(), "shoal.cu", 0, nullptr, nullptr) != 0)
      throw RuntimeError("nvrtcCreateProgram failed");
  }
  ~Program() { nvrtc_.nvrtcDestroyProgram(&handle); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  NvrtcProgram handle = nullptr;

 private:
  const Functions& nvrtc_;
};

class Slot {
 public:
  explicit Slot(std::counting_semaphore<8>& slots) : slots_(slots) { slots_.acquire(); }
  ~Slot() { slots_.release(); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  std::counting_semaphore<8>& slots_;
};

ImageOption architecture_for(const std::vector<int>& known, int sm, const std::string& version) {
  if (std::binary_search(known.begin(), known.end(), sm)) return {fmt::format("sm_{}", sm), CompiledImage::Kind::cubin};
  const auto above = std::upper_bound(known.begin(), known.end(), sm);
  if (above != known.begin()) return {fmt::format("compute_{}", *std::prev(above)), CompiledImage::Kind::ptx};
  throw SpecError("target", fmt::format("NVRTC {} makes code for sm_{}, got sm_{}: an older CUDA toolkit is needed",
                                        version, fmt::join(known, ", sm_"), sm));
}

// ftz and fmad are what the interpreter and the CPU do: the same bits on every device. Division and
// root: compiler/emit/cuda_functions.cpp.
std::vector<std::string> all_options(const std::string& architecture, const std::vector<std::string>& more) {
  std::vector<std::string> options{"--gpu-architecture=" + architecture,
                                   "--std=c++17",
                                   "--fmad=false",
                                   "--ftz=true",
                                   "--prec-div=true",
                                   "--prec-sqrt=true"};
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

}  // namespace

Nvrtc::Nvrtc(const std::string& path) : state_(std::make_unique<State>(path)) {}
Nvrtc::~Nvrtc() = default;

std::string Nvrtc::version() const { return fmt::format("{}.{}", state_->major, state_->minor); }
const std::string& Nvrtc::library() const { return state_->library.path(); }
const std::vector<int>& Nvrtc::architectures() const { return state_->architectures; }

std::string Nvrtc::options_text(int sm, const std::vector<std::string>& more_options) const {
  const auto architecture = architecture_for(state_->architectures, sm, version());
  return fmt::format("{}", fmt::join(all_options(architecture.name, more_options), " "));
}

CompiledImage Nvrtc::State::build(const std::string& source, const ImageOption& architecture,
                                  const std::vector<std::string>& more_options) const {
  const Slot slot(slots);
  const Program program(nvrtc, source);
  const std::vector<std::string> options = all_options(architecture.name, more_options);
  std::vector<const char*> pointers;
  for (const std::string& option : options) pointers.push_back(option.c_str());
  const int result = nvrtc.nvrtcCompileProgram(program.handle, static_cast<int>(pointers.size()), pointers.data());
  CompiledImage image{.kind = architecture.kind, .bytes = {}, .architecture = architecture.name, .log = {}};
  image.log = log_of(program.handle);
  if (result != 0)
    throw CompileError(fmt::format("NVRTC {}.{} refused the source for {} (error {}):\n{}", major, minor,
                                   architecture.name, result, image.log),
                       image.log, numbered(source));
  const bool cubin = architecture.kind == CompiledImage::Kind::cubin;
  size_t bytes = 0;
  succeed((cubin ? nvrtc.nvrtcGetCUBINSize : nvrtc.nvrtcGetPTXSize)(program.handle, &bytes), "the size of the image");
  image.bytes.resize(bytes);
  succeed((cubin ? nvrtc.nvrtcGetCUBIN : nvrtc.nvrtcGetPTX)(program.handle, image.bytes.data()), "the image");
  if (!cubin && image.bytes.ends_with('\0')) image.bytes.pop_back();  // NVRTC counts the end of the string
  return image;
}

CompiledImage Nvrtc::compile(const std::string& source, int sm, const std::vector<std::string>& more_options) const {
  return state_->build(source, architecture_for(state_->architectures, sm, version()), more_options);
}

std::string Nvrtc::ptx(const std::string& source, int sm, const std::vector<std::string>& more_options) const {
  ImageOption architecture = architecture_for(state_->architectures, sm, version());
  if (architecture.kind == CompiledImage::Kind::cubin)
    architecture = {fmt::format("compute_{}", sm), CompiledImage::Kind::ptx};
  return state_->build(source, architecture, more_options).bytes;
}

}  // namespace shoal::cuda
