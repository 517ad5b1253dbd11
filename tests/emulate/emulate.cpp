// Compiling a text to a shared object, loading it, and binding its arguments.
#include "emulate.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "compiler/support/error.h"
#include "compiler/support/text.h"
#include "machine.h"

namespace shoal::emulate {
namespace {

namespace fs = std::filesystem;

constexpr size_t redzone = 64 << 10;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "shoal-emulate-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw RuntimeError("cannot create a folder in " + fs::temp_directory_path().string());
    path = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  fs::path path;
};

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw RuntimeError("cannot write " + path.string());
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Scalar replacement would split a float4 access into four, and with it the check of its alignment.
constexpr const char* check_flags =
    "-O1 -g1 -DEMULATE_CHECK -fsanitize=thread --param tsan-instrument-func-entry-exit=0 -fno-store-merging "
    "-fno-tree-sra "
    "-fno-ipa-sra";
constexpr const char* fast_flags = "-O2 -g1";
constexpr const char* common_flags =
    "-std=c++20 -x c++ -shared -fPIC -fvisibility=hidden -nostdlib -march=native -ffp-contract=off "
    "-fno-strict-aliasing "
    "-fno-exceptions -fno-rtti -fno-tree-vectorize -fno-tree-slp-vectorize -Wno-unknown-pragmas "
    "-Wno-builtin-declaration-mismatch";

// Memory that one launch uses as device memory: every buffer between redzones.
class DeviceArena {
 public:
  explicit DeviceArena(const std::vector<Argument>& arguments) {
    for (const Argument& a : arguments)
      if (a.is_buffer) bytes_ += (static_cast<size_t>(a.bytes) + 2 * redzone + 255) / 256 * 256;
    if (bytes_ == 0) return;
    void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
      throw RuntimeError(fmt::format("no memory for {} bytes of emulated device memory", bytes_));
    base_ = next_ = static_cast<char*>(memory);
  }
  ~DeviceArena() {
    if (base_) munmap(base_, bytes_);
  }
  DeviceArena(const DeviceArena&) = delete;
  DeviceArena& operator=(const DeviceArena&) = delete;

  char* place(const Argument& a) {
    char* at = next_ + redzone;
    if (a.bytes > 0) std::memcpy(at, a.data, static_cast<size_t>(a.bytes));
    next_ += (static_cast<size_t>(a.bytes) + 2 * redzone + 255) / 256 * 256;
    return at;
  }

 private:
  size_t bytes_ = 0;
  char *base_ = nullptr, *next_ = nullptr;
};

}  // namespace

std::string Report::text() const {
  std::string out;
  for (const Fault& fault : faults) out += fault.message + "\n";
  return out;
}

struct Program::Loaded {
  TemporaryFolder folder;  // stays: addr2line reads the object when there is something to report
  Options options;
  void* handle = nullptr;
  EmulateHost* host = nullptr;
  char* arena = nullptr;
  void (*entry)(void**) = nullptr;
  int argument_count = 0;
  std::map<const void*, int> lines;

  ~Loaded() {
    if (handle) dlclose(handle);
  }

  template <typename T>
  T symbol(const char* name) {
    void* found = dlsym(handle, name);
    if (!found) throw RuntimeError(fmt::format("the emulated kernel lacks {}", name));
    return reinterpret_cast<T>(found);
  }

  void load() {
    handle = dlopen((folder.path / "kernel.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) throw RuntimeError(fmt::format("cannot load the emulated kernel: {}", dlerror()));
    host = symbol<EmulateHost*>("emulate_host");
    arena = symbol<char*>("shoal_arena");
    entry = symbol<void (*)(void**)>("emulate_entry");
    argument_count = *symbol<const int*>("emulate_argument_count");
  }

  uintptr_t base() const {
    Dl_info info{};
    dladdr(host, &info);
    return reinterpret_cast<uintptr_t>(info.dli_fbase);
  }

  // A fault in a loop asks for the same line thousands of times, and addr2line is a process of its own.
  int line_of(const void* program_counter) {
    const auto [known, is_new] = lines.try_emplace(program_counter, 0);
    if (is_new) known->second = ask_line_of(program_counter);
    return known->second;
  }

  int ask_line_of(const void* program_counter) const {
    const uintptr_t call = reinterpret_cast<uintptr_t>(program_counter) - base() - 1;  // the return address less one
    const std::string command = fmt::format("addr2line -e {} {:#x}", (folder.path / "kernel.so").string(), call);
    std::string answer;
    if (FILE* pipe = popen(command.c_str(), "r")) {
      char part[256];
      while (fgets(part, sizeof part, pipe)) answer += part;
      pclose(pipe);
    }
    const size_t colon = answer.rfind(':');
    return colon == std::string::npos ? 0 : std::atoi(answer.c_str() + colon + 1);
  }

  bool contains(const void* address) const {
    struct Query {
      uintptr_t base, address;
      bool found;
    } query{base(), reinterpret_cast<uintptr_t>(address), false};
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* data) {
          auto& q = *static_cast<Query*>(data);
          if (info->dlpi_addr != q.base) return 0;
          for (int i = 0; i < info->dlpi_phnum; i++) {
            const auto& part = info->dlpi_phdr[i];
            const uintptr_t low = info->dlpi_addr + part.p_vaddr;
            q.found |= part.p_type == PT_LOAD && q.address >= low && q.address < low + part.p_memsz;
          }
          return 1;
        },
        &query);
    return query.found;
  }
};

Program::Program(std::unique_ptr<Loaded> loaded) : loaded_(std::move(loaded)) {}
Program::Program(Program&&) noexcept = default;
Program::~Program() = default;

Report Program::launch(int grid, int block, int64_t shared_bytes, const std::vector<Argument>& arguments,
                       uint64_t seed) {
  check(grid >= 1 && block >= 1 && block <= 1024, "a launch of {} blocks of {} threads", grid, block);
  check(shared_bytes >= 0 && shared_bytes <= emulate_arena_bytes, "a launch with {} bytes of shared memory",
        shared_bytes);
  check(static_cast<int>(arguments.size()) == loaded_->argument_count, "{} arguments for a kernel that takes {}",
        arguments.size(), loaded_->argument_count);
  DeviceArena device(arguments);
  Checker checker;
  checker.set_shared(loaded_->arena, shared_bytes, emulate_arena_bytes);
  std::vector<char*> placed(arguments.size());
  std::vector<int32_t> scalars(arguments.size());
  std::vector<void*> pointers(arguments.size());
  for (size_t i = 0; i < arguments.size(); i++) {
    const Argument& a = arguments[i];
    scalars[i] = a.scalar;
    if (a.is_buffer) {
      placed[i] = device.place(a);
      checker.add_global(a.name, placed[i], a.bytes, a.read_only);
    }
    pointers[i] = a.is_buffer ? static_cast<void*>(&placed[i]) : &scalars[i];
  }
  Machine machine({.host = loaded_->host,
                   .entry = loaded_->entry,
                   .arguments = pointers.data(),
                   .arena = loaded_->arena,
                   .shared_bytes = shared_bytes,
                   .grid = grid,
                   .block = block,
                   .seed = seed,
                   .checker = &checker,
                   .line_of = [this](const void* pc) { return loaded_->line_of(pc); },
                   .belongs_to_object = [this](const void* address) { return loaded_->contains(address); }});
  Report report = machine.run();
  for (size_t i = 0; i < arguments.size(); i++)
    if (arguments[i].is_buffer && arguments[i].bytes > 0)
      std::memcpy(arguments[i].data, placed[i], static_cast<size_t>(arguments[i].bytes));
  return report;
}

Program compile(const std::string& cuda_text, const std::string& kernel_name, Options options) {
  for (size_t at = 0; (at = cuda_text.find("__shared__", at)) != std::string::npos; at++)
    if (at < 7 || cuda_text.compare(at - 7, 7, "extern ") != 0)
      throw CompileError("emulation knows only `extern __shared__ float4 shoal_arena[]`", {}, numbered(cuda_text));
  auto loaded = std::make_unique<Program::Loaded>();
  loaded->options = options;
  const fs::path& folder = loaded->folder.path;
  write_file(folder / "kernel.cu", cuda_text);
  write_file(folder / "unit.cpp", "#include \"device_shim.h\"\n#include \"kernel.cu\"\n#include \"device_entry.h\"\n");
  const std::string command =
      fmt::format("{} {} {} -I{} -DEMULATE_KERNEL={} {} -o {} > {} 2>&1", SHOAL_EMULATE_COMPILER, common_flags,
                  options.check ? check_flags : fast_flags, SHOAL_EMULATE_FOLDER, kernel_name,
                  (folder / "unit.cpp").string(), (folder / "kernel.so").string(), (folder / "log").string());
  if (std::system(command.c_str()) != 0)
    throw CompileError("g++ refused the CUDA text", read_file(folder / "log"), numbered(cuda_text));
  loaded->load();
  return Program(std::move(loaded));
}

}  // namespace shoal::emulate
