// Objects are linked into images that a small program maps and calls, under qemu-aarch64. The program is compiled once
// a process.
#include "tests/isa/arm_machine.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/support/error.h"
#include "runtime/cpu/host.h"
#include "runtime/cpu/jit.h"
#include "tests/harness/source_directory.h"

namespace shoal::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* compiler = "aarch64-linux-gnu-g++";
constexpr const char* linker = "aarch64-linux-gnu-ld";
constexpr const char* emulator = "qemu-aarch64";

bool is_on_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  return false;
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A folder that goes with the process.
class Workshop {
 public:
  Workshop() {
    std::string name = (fs::temp_directory_path() / "shoal_arm_XXXXXX").string();
    if (!mkdtemp(name.data())) throw RuntimeError("cannot make a temporary folder like " + name);
    folder_ = name;
    const std::string root = harness::source_directory();
    run(
        fmt::format("{0} -std=c++20 -O1 -static -pthread -ffp-contract=off -I{1} {1}/tests/isa/runner.cpp "
                    "{1}/runtime/cpu/team.cpp -o {2}",
                    compiler, root, path("runner").string()));
    // One segment from near 0 on: nothing in it says where it will stand.
    std::ofstream(path("image.ld")) << "SECTIONS { . = 0x1000; .image : { *(.text*) *(.rodata*) *(.data*) *(.got*) }"
                                       " /DISCARD/ : { *(.note*) *(.comment*) *(.eh_frame*) } }\n";
  }
  ~Workshop() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  fs::path path(const char* name) const { return folder_ / name; }

  // Paths stand in the command as they are: the folder of temporary files and the repository must have plain names.
  void run(const std::string& command) const {
    const std::string all = fmt::format("{} 2>{}", command, path("errors").string());
    const int status = std::system(all.c_str());
    if (status == 0) return;
    throw RuntimeError(fmt::format("exit status {} of {}\n{}", WIFEXITED(status) ? WEXITSTATUS(status) : status,
                                   command, read_text(path("errors"))));
  }

 private:
  fs::path folder_;
};

void write_number(std::ostream& out, int64_t number) {
  out.write(reinterpret_cast<const char*>(&number), sizeof number);
}

}  // namespace

std::string arm_machine_problem() {
  for (const char* program : {compiler, linker, emulator})
    if (!is_on_path(program))
      return fmt::format("{} is missing (apt-get install qemu-user g++-aarch64-linux-gnu)", program);
  return {};
}

void run_on_arm(const kernel::Kernel& k, const std::string& text, std::vector<std::vector<uint32_t>>& buffers,
                const std::vector<int32_t>& scalars, int32_t first_group, int32_t last_group) {
  static const Workshop workshop;
  std::ofstream(workshop.path("kernel.o"), std::ios::binary)
      << cpu::compile_object(text, cpu::target_for("aarch64").cpu);
  workshop.run(fmt::format("{} -T {} -e {} {} -o {}", linker, workshop.path("image.ld").string(), k.name,
                           workshop.path("kernel.o").string(), workshop.path("image").string()));
  {
    std::ofstream job(workshop.path("job"), std::ios::binary);
    for (const int64_t number : {int64_t{k.warps}, k.shared_elements * 4, int64_t{first_group}, int64_t{last_group},
                                 static_cast<int64_t>(scalars.size()), static_cast<int64_t>(buffers.size())})
      write_number(job, number);
    job.write(reinterpret_cast<const char*>(scalars.data()), static_cast<std::streamsize>(scalars.size() * 4));
    for (const std::vector<uint32_t>& words : buffers) {
      write_number(job, static_cast<int64_t>(words.size()));
      job.write(reinterpret_cast<const char*>(words.data()), static_cast<std::streamsize>(words.size() * 4));
    }
  }
  workshop.run(fmt::format("{} {} {} {} {}", emulator, workshop.path("runner").string(),
                           workshop.path("image").string(), workshop.path("job").string(),
                           workshop.path("result").string()));
  std::ifstream result(workshop.path("result"), std::ios::binary);
  for (std::vector<uint32_t>& words : buffers)
    result.read(reinterpret_cast<char*>(words.data()), static_cast<std::streamsize>(words.size() * 4));
  if (!result) throw RuntimeError("the emulated kernel gave a short result");
}

}  // namespace shoal::test
