// Zen 4 as fitted to `shoal bench --regret`, and vectors of 512 bits elsewhere; other processors count as Zen 3.
#include "compiler/cpu_model.h"

#include <string_view>

namespace shoal {
namespace {

constexpr int lanes_of_512_bits = 16;

bool has(const Target& target, std::string_view feature) {
  return target.cpu.features.find(feature) != std::string::npos;
}

bool is_zen4(const Target& target) { return target.cpu.cpu == "znver4"; }

// docs/measurements/regret-2026-11-30-zen4.md. Of constants that act together a fit finds the sum, not each: a clock
// of 5.2 GHz stands for what the model counts twice.
kernel::Core zen4(int lanes) {
  kernel::Core core;
  core.issue = 6, core.stores = 0.8, core.shuffles = 1.7, core.integer = 2.4;
  core.interference = 0.5;
  core.division = 8, core.gathered = 0.8, core.masked_store = 2, core.scattered = 2.2;
  core.branch = 12, core.loop = 3, core.in_flight = 190, core.spill = 1;
  // A vector of 512 bits is one instruction, which most units take two cycles for.
  if (lanes < lanes_of_512_bits) return core;
  core.fp *= 0.5, core.loads *= 0.65, core.shuffles *= 0.8, core.integer *= 0.65;
  core.division *= 1.75, core.gathered *= 1.2;
  return core;
}

}  // namespace

kernel::Core core_of(const Target& target, int lanes) {
  kernel::Core core;
  if (is_zen4(target)) core = zen4(lanes);
  if (has(target, "+avx512f")) core.masked_store = zen4(lanes).masked_store;  // masks have registers of their own
  core.registers = target.registers;
  return core;
}

plan::Rates rates_of(const Target& target) {
  if (!is_zen4(target)) return {};
  return {.cycles_per_ns = 5.2,
          .l2_bytes_per_ns = 500,
          .l3_bytes_per_ns = 100,
          .memory_bytes_per_ns = 40,
          .ns_per_barrier = 630,
          .ns_per_wake = 40000};
}

}  // namespace shoal
