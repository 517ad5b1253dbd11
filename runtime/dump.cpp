// Writing a dump folder.
#include "runtime/dump.h"

#include <system_error>

#include "compiler/graph/text.h"
#include "compiler/support/error.h"
#include "runtime/cuda/nvrtc.h"
#include "runtime/io/atomic_file.h"
#if SHOAL_CPU
#include "runtime/cpu/jit.h"
#endif

namespace shoal::runtime {
namespace {

std::string cpu_assembly([[maybe_unused]] const Module& module) {
#if SHOAL_CPU
  return cpu::compile_assembly(module.source, module.target.cpu);
#else
  throw RuntimeError("no assembly: this shoal was built without LLVM");
#endif
}

void write_machine_code(const std::filesystem::path& folder, const Module& module) {
  switch (module.target.kind) {
    case Target::Kind::cpu: io::write_file(folder / "70_module.s", cpu_assembly(module)); return;
    case Target::Kind::cuda: {
      const cuda::Nvrtc nvrtc;
      io::write_file(folder / "70_module.ptx", nvrtc.ptx(module.source, module.target.sm));
      const cuda::CompiledImage image = nvrtc.compile(module.source, module.target.sm);
      if (image.kind == cuda::CompiledImage::Kind::cubin) io::write_file(folder / "70_module.cubin", image.bytes);
      return;
    }
  }
}

}  // namespace

void StageRecorder::stage(std::string_view stage_name, const std::string& text, double seconds) {
  stages_.push_back({std::string(stage_name), text, seconds});
}

std::string assembly_text(const Module& module) {
  switch (module.target.kind) {
    case Target::Kind::cpu: return cpu_assembly(module);
    case Target::Kind::cuda: return cuda::Nvrtc().ptx(module.source, module.target.sm);
  }
  throw InternalError("internal error: a kind of target that is none");
}

void write_dump(const std::filesystem::path& folder, const Graph& graph, const Module& module,
                const DumpOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw RuntimeError(fmt::format("{}: cannot make the directory: {}", folder.string(), error.message()));
  io::write_file(folder / "00_graph.shoal", print(graph));
  io::write_file(folder / "20_plan.shoal", module.plan_text);
  io::write_file(folder / "40_kernel.shoal", kernel::print(module.kernel));
  const bool cpu = module.target.kind == Target::Kind::cpu;
  io::write_file(folder / (cpu ? "60_source.ll" : "60_source.cu"), module.source);
  io::write_file(folder / "spec.json", options.spec);
  const std::filesystem::path script = folder / "repro.sh";
  io::write_file(
      script, "#!/bin/sh\n# Makes the files of this folder again, under again/.\ncd \"$(dirname \"$0\")\" || exit 1\n" +
                  options.command + "\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_exec, std::filesystem::perm_options::add, error);
  if (!options.machine_code) return;
  std::filesystem::remove(folder / "70_module.txt", error);
  try {
    write_machine_code(folder, module);
  } catch (const CompileError& refused) {
    io::write_file(folder / "70_module.txt", fmt::format("{}\n{}\n", refused.what(), refused.log));
  } catch (const Error& missing) {
    io::write_file(folder / "70_module.txt", fmt::format("{}\n", missing.what()));
  }
}

}  // namespace shoal::runtime
