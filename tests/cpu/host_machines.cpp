// This machine and the levels below it, on which kernels run in the process.
#include <cstdlib>
#include <memory>
#include <thread>

#include "run_both.h"
#include "runtime/cpu/flush_denormals.h"
#include "runtime/cpu/host.h"
#include "runtime/cpu/jit.h"
#include "runtime/cpu/team.h"

namespace shoal::test {

const std::vector<Machine>& machines() {
  static const std::vector<Machine> all{{"x86-64", 4}, {"x86-64-v2", 4}, {"native", 8}, {"native", 4}, {"native", 16}};
  return all;
}

emit::CpuFeatures features_of(const Machine& machine) { return cpu::detect_host(machine.cpu).cpu; }

bool extrema_keep_denormals() { return false; }

void run_compiled(const kernel::Kernel& k, const std::string& text, std::vector<Words>& memory,
                  const std::vector<int32_t>& scalars, int32_t first_group, int32_t last_group,
                  const emit::CpuFeatures& features) {
  cpu::Linker linker;
  const auto code = linker.load(cpu::compile_object(text, features), k.name);
  std::vector<void*> pointers;
  for (Words& words : memory) pointers.push_back(words.data());
  const size_t scratch_bytes = size_t(k.shared_elements * 4 + 63) / 64 * 64 + 64;
  const std::unique_ptr<void, void (*)(void*)> scratch(std::aligned_alloc(64, scratch_bytes), std::free);
  cpu::Team team(k.warps, 100);
  auto run = [&](int32_t warp) {
    const cpu::FlushDenormals flush;
    code->function()(pointers.data(), scalars.data(), scratch.get(), first_group, last_group, warp, team.entry());
  };
  std::vector<std::thread> others;
  for (int32_t warp = 1; warp < k.warps; ++warp) others.emplace_back(run, warp);
  run(0);
  for (std::thread& thread : others) thread.join();
}

}  // namespace shoal::test
