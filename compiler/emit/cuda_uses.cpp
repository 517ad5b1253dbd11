// Users counted in one sweep that knows the innermost bracket of every value; what is renewed, by one sweep to the
// steps and one from the end back.
#include "compiler/emit/cuda_uses.h"

#include <algorithm>

#include "compiler/kernel/brackets.h"

namespace shoal::emit {

using kernel::Instruction;
using kernel::Op;
using kernel::OpKind;

namespace {

struct Steps {
  int32_t loop = -1, end = -1;
};

// The loop outside every bracket that runs as often as a scalar says.
Steps steps_of(const kernel::Kernel& kernel) {
  std::vector<int32_t> open;
  for (int32_t i = 0; i < static_cast<int32_t>(kernel.code.size()); i++) {
    const Instruction& in = kernel.code[i];
    if (kernel::opens_bracket(in.op)) open.push_back(i);
    if (!kernel::closes_bracket(in.op)) continue;
    const int32_t opener = open.back();
    open.pop_back();
    if (open.empty() && kernel.code[opener].op == Op::loop && kernel.code[kernel.code[opener].args[0]].op == Op::scalar)
      return {opener, i};
  }
  return {};
}

}  // namespace

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

int32_t end_of_steps(const kernel::Kernel& kernel) { return steps_of(kernel).end; }

std::vector<bool> renewed_behind_steps(const kernel::Kernel& kernel) {
  const Steps steps = steps_of(kernel);
  std::vector<bool> known(kernel.code.size()), renewed(kernel.code.size());  // from place, scalars and constants
  if (steps.loop < 0) return renewed;
  int depth = 0;
  for (int32_t i = 0; i < steps.loop; i++) {
    const Instruction& in = kernel.code[i];
    if (kernel::closes_bracket(in.op)) depth--;
    if (kernel::opens_bracket(in.op)) depth++;
    const OpKind kind = op_kind(in.op);
    known[i] = depth == 0 && (kind == OpKind::leaf || kind == OpKind::arith) && in.type != kernel::Type::f32 &&
               std::all_of(in.args.begin(), in.args.end(), [&](int32_t arg) { return arg < 0 || known[arg]; });
  }
  for (int32_t i = static_cast<int32_t>(kernel.code.size()) - 1; i >= 0; i--) {
    if (i > steps.end || renewed[i])
      for (const int32_t arg : kernel.code[i].args)
        if (arg >= 0 && known[arg]) renewed[arg] = true;
    if (i < steps.loop && (kernel.code[i].op == Op::constant || kernel.code[i].op == Op::scalar)) renewed[i] = false;
  }
  return renewed;
}

bool renews_behind_steps(const kernel::Kernel& kernel) {
  const std::vector<bool> renewed = renewed_behind_steps(kernel);
  return std::find(renewed.begin(), renewed.end(), true) != renewed.end();
}

}  // namespace shoal::emit
