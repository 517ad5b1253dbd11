// One walk from the last instruction to the first finds what is used, one forward renumbers it.
#include "compiler/kernel/unused.h"

#include <vector>

namespace shoal::kernel {
namespace {

// Whether it does something besides computing a value.
bool has_effect(const Instruction& i) {
  switch (op_kind(i.op)) {
    case OpKind::leaf:
    case OpKind::arith: return false;
    case OpKind::memory: return i.op == Op::store;
    case OpKind::variable: return i.op == Op::set;
    case OpKind::control:
    case OpKind::lanes:  // all lanes meet there
    case OpKind::tensor:
    case OpKind::sync: return true;
  }
  return true;
}

std::vector<bool> used(const Kernel& kernel) {
  const std::vector<Instruction>& code = kernel.code;
  std::vector<bool> result(code.size(), false), read(code.size(), false);  // read: of vars
  for (const Instruction& i : code)
    if (i.op == Op::get) read[i.args[0]] = true;
  bool rest_used = false;  // of a wide load: some later element is
  for (size_t n = code.size(); n-- > 0;) {
    const Instruction& i = code[n];
    const bool unread_set = i.op == Op::set && !read[i.args[0]];
    bool is_used = result[n] || (has_effect(i) && !unread_set);
    if (i.op == Op::load && i.width != 1) {
      is_used = is_used || rest_used;
      rest_used = i.width == 0 && is_used;
    }
    result[n] = is_used;
    if (!is_used) continue;
    for (const int32_t value : i.args)
      if (value >= 0) result[value] = true;
  }
  // Elements of a wide load before the one that is used were met too late to know of the others.
  for (size_t n = 0; n < code.size(); ++n)
    if (code[n].op == Op::load && code[n].width > 1)
      for (size_t e = 1; e < code[n].width; ++e) result[n + e] = result[n];
  return result;
}

}  // namespace

void remove_unused(Kernel& kernel) {
  const std::vector<bool> keep = used(kernel);
  std::vector<int32_t> number(kernel.code.size(), -1);
  std::vector<Instruction> code;
  for (size_t n = 0; n < kernel.code.size(); ++n) {
    if (!keep[n]) continue;
    Instruction i = kernel.code[n];
    for (int32_t& value : i.args)
      if (value >= 0) value = number[value];
    number[n] = static_cast<int32_t>(code.size());
    code.push_back(i);
  }
  kernel.code = std::move(code);
}

}  // namespace shoal::kernel
