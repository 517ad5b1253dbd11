// Launching a kernel's function over all groups: one thread a group, or a team of threads a group.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/kernel/kernel.h"
#include "runtime/cpu/jit.h"
#include "runtime/cpu/scratch_pool.h"
#include "runtime/cpu/workers.h"

namespace shoal::cpu {

struct Launch {
  KernelFunction function;
  const kernel::Kernel& signature;
  int64_t groups;
  std::vector<void*> buffers;
  std::vector<int32_t> scalars;
};

class Launcher {
 public:
  Launcher(Workers& workers, ScratchPool& scratch) : workers_(workers), scratch_(scratch) {}
  // Returns when all groups are done. Throws RuntimeError when there is no memory for scratch, or no thread for a team.
  void launch(const Launch&);

 private:
  void by_threads(const Launch&, int64_t scratch_bytes);
  void by_teams(const Launch&, int64_t scratch_bytes);

  Workers& workers_;
  ScratchPool& scratch_;
};

}  // namespace shoal::cpu
