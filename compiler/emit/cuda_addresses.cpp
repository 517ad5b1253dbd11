// Index values of shared memory, found by one sweep from the last use to the first.
#include "compiler/emit/cuda_addresses.h"

namespace shoal::emit {
namespace {

using kernel::Instruction;
using kernel::Op;
using kernel::Space;

// Whether four times the result follows from four times the operands (of a product: from its constant).
bool scales(const kernel::Kernel& kernel, const Instruction& in) {
  if (in.type != kernel::Type::i32) return false;
  if (in.op == Op::mul) return kernel.code[in.args[1]].op == Op::constant;
  return in.op == Op::add || in.op == Op::sub || in.op == Op::bxor || in.op == Op::bor;
}

// Whether a counter may be four times as large.
bool counts_bytes(const kernel::Kernel& kernel, const Instruction& in) {
  if (in.op != Op::loop) return false;
  const Instruction& count = kernel.code[in.args[0]];
  constexpr int64_t most = int64_t{1} << 28;
  return count.op == Op::constant && count.imm > 0 && count.imm <= most && in.imm <= most;
}

}  // namespace

std::vector<bool> shared_byte_offsets(const kernel::Kernel& kernel) {
  std::vector<bool> offsets(kernel.code.size());
  std::vector<bool> used(kernel.code.size()), other(kernel.code.size());  // as such a part; in another way
  for (size_t i = kernel.code.size(); i-- > 0;) {
    const Instruction& in = kernel.code[i];
    offsets[i] = used[i] && (counts_bytes(kernel, in) || (!other[i] && scales(kernel, in)));
    for (int n = 0; n < 3; ++n) {
      if (in.args[n] < 0) continue;
      bool index = in.buffer >= 0 && n == 1 && kernel.buffers[in.buffer].space == Space::shared;
      bool part = offsets[i] && in.op != Op::mul && in.op != Op::loop;
      (index || part ? used : other)[static_cast<size_t>(in.args[n])] = true;
    }
  }
  return offsets;
}

}  // namespace shoal::emit
