// Uniformity by fixpoint: vars, local buffers and repeats feed back, and extents only shrink.
#include "compiler/kernel/uniformity.h"

#include <algorithm>

namespace shoal::kernel {

namespace {

class Analysis {
 public:
  explicit Analysis(const Kernel& kernel)
      : kernel_(kernel), local_(kernel.buffers.size()), opener_(kernel.code.size()), declared_(kernel.code.size()) {
    result_.value.resize(kernel.code.size());
    result_.control.resize(kernel.code.size());
  }

  Uniformity run() {
    do {
      changed_ = false;
      control_.assign(1, Extent::group);
      openers_.clear();
      for (size_t i = 0; i < kernel_.code.size(); ++i) visit(static_cast<int32_t>(i));
    } while (changed_);
    return std::move(result_);
  }

 private:
  void raise(Extent& extent, Extent to) {
    if (to <= extent) return;
    extent = to;
    changed_ = true;
  }

  Extent operand(int32_t value) const { return value < 0 ? Extent::group : result_.value[value]; }

  void open(int32_t index, Extent extent) {
    openers_.push_back(index);
    control_.push_back(std::max(control_.back(), extent));
    divergence_.resize(openers_.size());
    divergence_.back() = extent;
  }

  // How the brackets opened since a var was declared (at bracket depth `depth`) split the threads.
  Extent control_since(size_t depth) const {
    Extent extent = Extent::group;
    for (size_t d = depth; d < openers_.size(); ++d) extent = std::max(extent, divergence_[d]);
    return extent;
  }

  void visit(int32_t index) {
    const Instruction& i = kernel_.code[index];
    Extent& value = result_.value[index];
    raise(result_.control[index], control_.back());
    switch (i.op) {
      case Op::constant:
      case Op::scalar:
      case Op::group: return;
      case Op::warp: return raise(value, kernel_.warps > 1 ? Extent::warp : Extent::group);
      case Op::lane: return raise(value, kernel_.lanes > 1 ? Extent::thread : Extent::group);
      case Op::add:
      case Op::sub:
      case Op::mul:
      case Op::fma:
      case Op::div:
      case Op::rem:
      case Op::max:
      case Op::min:
      case Op::neg:
      case Op::abs:
      case Op::floor:
      case Op::sqrt:
      case Op::exp2:
      case Op::rcp:
      case Op::band:
      case Op::bor:
      case Op::bxor:
      case Op::shl:
      case Op::shr:
      case Op::lt:
      case Op::le:
      case Op::eq:
      case Op::select:
      case Op::to_f32:
      case Op::to_i32:
      case Op::to_i64:
      case Op::bits_f32:
      case Op::bits_i32:
      case Op::tf32:
      case Op::bf16_pair:
      case Op::lanes_xor:
      case Op::get: return raise(value, std::max({operand(i.args[0]), operand(i.args[1]), operand(i.args[2])}));
      case Op::mma: return raise(value, Extent::thread);
      case Op::var: declared_[index] = openers_.size(); return raise(value, operand(i.args[0]));
      case Op::set:
        return raise(result_.value[i.args[0]], std::max(operand(i.args[1]), control_since(declared_[i.args[0]])));
      case Op::loop: raise(value, operand(i.args[0])); return open(index, value);
      case Op::when: return open(index, operand(i.args[0]));
      case Op::repeat: return open(index, opener_[index]);
      case Op::again: raise(opener_[openers_.back()], operand(i.args[0])); return close();
      case Op::end: return close();
      case Op::load:
        raise(value, std::max(operand(i.args[0]), operand(i.args[1])));
        if (kernel_.buffers[i.buffer].space == Space::local) raise(value, local_[i.buffer]);
        return;
      case Op::store:
        if (kernel_.buffers[i.buffer].space == Space::local) {
          raise(local_[i.buffer], std::max(operand(i.args[2]), control_.back()));
        }
        return;
      case Op::barrier: return;
    }
  }

  void close() {
    openers_.pop_back();
    control_.pop_back();
  }

  const Kernel& kernel_;
  Uniformity result_;
  std::vector<Extent> local_;       // of a local buffer's elements
  std::vector<Extent> opener_;      // of a repeat: how its `again` splits the threads
  std::vector<size_t> declared_;    // of a var: bracket depth of its declaration
  std::vector<int32_t> openers_;    // of the open brackets
  std::vector<Extent> divergence_;  // what each open bracket alone adds
  std::vector<Extent> control_;     // running join, one more than openers_
  bool changed_ = false;
};

}  // namespace

Uniformity uniformity(const Kernel& kernel) { return Analysis(kernel).run(); }

int32_t only_lane(const Kernel& kernel, int32_t pred) {
  const auto at = [&](int32_t i) -> const Instruction& { return kernel.code[static_cast<size_t>(i)]; };
  if (at(pred).op != Op::eq) return -1;
  const Instruction &lane = at(at(pred).args[0]), &number = at(at(pred).args[1]);
  const bool named = lane.op == Op::lane && number.op == Op::constant && number.imm >= 0 && number.imm < kernel.lanes;
  return named ? static_cast<int32_t>(number.imm) : -1;
}

}  // namespace shoal::kernel
