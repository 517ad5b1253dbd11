// Counts multiply-adds of two constants inside the loop whose count is a scalar of the kernel.
#include "compiler/emit/cuda_constants.h"

#include <bit>
#include <cmath>
#include <vector>

#include "compiler/kernel/brackets.h"

namespace shoal::emit {
namespace {

using kernel::Instruction;
using kernel::Op;

constexpr int fewest_uses = 16;  // moves that a step saves
constexpr size_t most_held = 4;  // registers

}  // namespace

std::map<uint32_t, int> held_constants(const kernel::Kernel& kernel) {
  const auto is_constant = [&](int32_t value) {
    return kernel.code[value].op == Op::constant && std::isfinite(kernel.code[value].fimm);
  };
  std::map<uint32_t, int> uses;
  std::vector<bool> steps{false};  // by open bracket: whether it stands in the loop of steps
  for (const Instruction& in : kernel.code) {
    if (kernel::opens_bracket(in.op))
      steps.push_back(steps.back() || (in.op == Op::loop && kernel.code[in.args[0]].op == Op::scalar));
    if (in.op == Op::end || in.op == Op::again) steps.pop_back();
    if (in.op != Op::fma || !steps.back() || !is_constant(in.args[2])) continue;
    for (const int32_t factor : {in.args[0], in.args[1]})
      if (is_constant(factor) && kernel.code[factor].fimm != kernel.code[in.args[2]].fimm)
        ++uses[std::bit_cast<uint32_t>(kernel.code[factor].fimm)];
  }
  std::erase_if(uses, [](const auto& use) { return use.second < fewest_uses; });
  if (uses.size() > most_held) uses.clear();
  int number = 0;
  for (auto& [bits, use] : uses) use = number++;
  return uses;
}

}  // namespace shoal::emit
