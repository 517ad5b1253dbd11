// Runs a kernel through LLVM and through the interpreter on the same memory, and expects the same bits.
#include "run_both.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <thread>

#include "runtime/cpu/flush_denormals.h"
#include "runtime/cpu/host.h"
#include "runtime/cpu/jit.h"
#include "runtime/cpu/team.h"

namespace shoal::test {

using kernel::Kernel;

Words random_floats(size_t count, std::mt19937& random, bool specials) {
  static constexpr uint32_t special[] = {0x00000000, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000,
                                         0x00000001, 0x807fffff, 0x7f7fffff, 0x00800000, 0x3f800000};
  std::uniform_real_distribution<float> mantissa(-1.0f, 1.0f);
  std::uniform_int_distribution<int> exponent(-20, 20), kind(0, 4), which(0, 9);
  Words words;
  for (size_t k = 0; k < count; ++k) {
    const float ordinary = std::ldexp(mantissa(random), exponent(random));
    const bool is_special = specials && kind(random) == 0;
    words.push_back(is_special ? special[which(random)] : std::bit_cast<uint32_t>(ordinary));
  }
  return words;
}

Words random_ints(size_t count, std::mt19937& random) {
  Words words;
  for (size_t k = 0; k < count; ++k) words.push_back(uint32_t(random()));
  return words;
}

const std::vector<Machine>& machines() {
  static const std::vector<Machine> all{{"x86-64", 4}, {"x86-64-v2", 4}, {"native", 8}, {"native", 4}, {"native", 16}};
  return all;
}

emit::CpuFeatures features_of(const Machine& machine) { return cpu::detect_host(machine.cpu).cpu; }

void expect_same(const Kernel& k, const std::vector<Words>& memory, const std::vector<int32_t>& scalars,
                 int32_t first_group, int32_t last_group, const emit::CpuFeatures& features) {
  kernel::verify(k, "test");
  std::vector<Words> expected = memory, found = memory;
  std::vector<kernel::Memory> views;
  for (Words& words : expected) {
    const int64_t bytes = kernel::element_bytes(k.buffers[views.size()].type);
    views.push_back({.data = words.data(), .elements = int64_t(words.size()) * 4 / bytes});
  }
  kernel::interpret(k, first_group, last_group, views, scalars);

  cpu::Linker linker;
  const std::string text = emit::llvm(k, features);
  SCOPED_TRACE(features.cpu + ", lanes " + std::to_string(k.lanes) + "\n" + kernel::print(k) + text);
  const auto code = linker.load(cpu::compile_object(text, features), k.name);
  std::vector<void*> pointers;
  for (Words& words : found) pointers.push_back(words.data());
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
  for (size_t b = 0; b < memory.size(); ++b) {
    for (size_t e = 0; e < memory[b].size(); ++e) {
      const uint32_t want = expected[b][e], got = found[b][e];
      const bool both_nan = k.buffers[b].type == kernel::Type::f32 && std::isnan(std::bit_cast<float>(want)) &&
                            std::isnan(std::bit_cast<float>(got));
      ASSERT_TRUE(want == got || both_nan)
          << "buffer " << k.buffers[b].name << " element " << e << std::hex << ": interpreter " << want << " ("
          << std::bit_cast<float>(want) << "), LLVM " << got << " (" << std::bit_cast<float>(got) << ")";
    }
  }
}

}  // namespace shoal::test
