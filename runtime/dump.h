// The dump folder of a kernel: every stage as a file, and a script that makes it again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "compiler/compile.h"

namespace shoal::runtime {

// Remembers the texts of passes and stages in the order in which they came.
class StageRecorder : public Trace {
 public:
  struct Stage {
    std::string name, text;
    double seconds = 0;
  };
  void stage(std::string_view stage_name, const std::string& text, double seconds) override;
  const std::vector<Stage>& stages() const { return stages_; }

 private:
  std::vector<Stage> stages_;
};

struct DumpOptions {
  bool machine_code = true;  // 70_module.*, as far as this build can make it
  std::string command;       // of repro.sh, run beside a copy of the spec
  std::string spec;          // JSON; written as spec.json
};

// Writes 00_graph.shoal, 20_plan.shoal, 40_kernel.shoal, 60_source.ll or .cu, 70_module.s or .ptx and .cubin,
// spec.json, repro.sh. What cannot be made here (no NVRTC) is said in 70_module.txt.
void write_dump(const std::filesystem::path& folder, const Graph&, const Module&, const DumpOptions&);

// Assembly of the target: x86 assembly from LLVM, PTX from NVRTC. Throws CompileError, or RuntimeError without a
// compiler.
std::string assembly_text(const Module&);

}  // namespace shoal::runtime
