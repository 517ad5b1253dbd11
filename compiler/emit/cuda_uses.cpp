// Users counted in one sweep that knows the innermost bracket of every value.
#include "compiler/emit/cuda_uses.h"

#include "compiler/kernel/brackets.h"

namespace shoal::emit {

using kernel::Instruction;
using kernel::Op;

std::vector<int> inlining_uses(const kernel::Kernel& kernel) {
  std::vector<int> uses(kernel.code.size());
  std::vector<int32_t> open{-1}, home(kernel.code.size());
  for (size_t i = 0; i < kernel.code.size(); i++) {
    const Instruction& in = kernel.code[i];
    if (in.op == Op::end) open.pop_back();
    home[i] = open.back();
    const bool rest_of_wide = in.width == 0;  // repeats the address of its group's first instruction
    for (int n = 0; n < 3; n++)
      if (in.args[n] >= 0 && !(rest_of_wide && n < 2)) uses[in.args[n]] += home[in.args[n]] == home[i] ? 1 : 2;
    if (in.op == Op::again) open.pop_back();
    if (kernel::opens_bracket(in.op)) open.push_back(static_cast<int32_t>(i));
  }
  return uses;
}

}  // namespace shoal::emit
