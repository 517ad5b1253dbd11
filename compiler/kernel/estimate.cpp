// Counts what a group executes, from the trip counts of its loops.
#include <algorithm>
#include <optional>

#include "compiler/kernel/legality.h"
#include "compiler/kernel/tensor.h"
#include "compiler/support/error.h"

namespace shoal::kernel {

namespace {

class Counter {
 public:
  Counter(const Kernel& kernel, const std::vector<int32_t>& scalars)
      : kernel_(kernel), scalars_(scalars), known_(kernel.code.size()), neighbour_(kernel.code.size()) {}

  Estimate run() {
    threads_ = static_cast<double>(kernel_.warps) * kernel_.lanes;
    for (size_t index = 0; index < kernel_.code.size(); ++index) visit(index);
    return total_;
  }

 private:
  using Values = std::vector<std::optional<int64_t>>;
  static std::optional<int64_t> at(const Values& values, int32_t v) { return v < 0 ? std::nullopt : values[v]; }
  std::optional<int64_t> known(int32_t value) const { return at(known_, value); }
  void set_both(size_t index, int64_t value) { known_[index] = neighbour_[index] = value; }

  // Whether the second lane's element is neither the first one's nor the next; not, where that is only known at run
  // time.
  bool is_scattered(const Instruction& i) const {
    if (kernel_.buffers[i.buffer].space == Space::local || i.args[1] < 0) return false;
    const std::optional<int64_t> a = known(i.args[1]), b = at(neighbour_, i.args[1]);
    return a && b && *a != *b && *b != *a + 1;
  }

  void count(double& counter, double amount = 1) { counter += amount * times_.back() * threads_; }

  void count_bytes(const Instruction& i) {
    const Buffer& buffer = kernel_.buffers[i.buffer];
    switch (buffer.space) {
      case Space::global: count(total_.global_bytes, static_cast<double>(element_bytes(buffer.type))); break;
      case Space::shared: count(total_.shared_bytes, 4); break;
      case Space::local: break;  // registers
    }
  }

  void arith(const Instruction& i) {
    const Type operand = kernel_.code[i.args[0]].type;
    const bool is_float = i.op == Op::select ? i.type == Type::f32 : operand == Type::f32;
    const bool converts = i.op == Op::to_i32 || i.op == Op::to_f32 || i.op == Op::bits_f32 || i.op == Op::bits_i32 ||
                          i.op == Op::tf32 || i.op == Op::bf16_pair;
    if (i.op == Op::fma) count(total_.fma);
    if (i.op == Op::div || i.op == Op::sqrt || i.op == Op::exp2 || i.op == Op::rcp)
      count(is_float ? total_.transcendental : total_.integer);
    if (is_float && !converts) {
      count(total_.flops, i.op == Op::fma ? 2 : 1);
    } else if (i.op != Op::div) {
      count(total_.integer);
    }
  }

  void propagate(Values& values, size_t index, const Instruction& i) {
    const std::optional<int64_t> a = at(values, i.args[0]), b = at(values, i.args[1]);
    if (i.op == Op::select && a) values[index] = *a != 0 ? at(values, i.args[1]) : at(values, i.args[2]);
    if (i.op == Op::to_i64 || (i.op == Op::to_i32 && kernel_.code[i.args[0]].type == Type::pred)) values[index] = a;
    if (op_operands(i.op) != 2 || !a || !b) return;
    if ((i.op == Op::div || i.op == Op::rem) && *b == 0) return;
    values[index] = evaluate_integer(i.op, kernel_.code[i.args[0]].type, *a, *b);
  }

  void visit(size_t index) {
    const Instruction& i = kernel_.code[index];
    switch (op_kind(i.op)) {
      case OpKind::leaf:
        if (i.op == Op::constant && i.type != Type::f32) set_both(index, i.imm);
        if (i.op == Op::scalar) {
          check(i.imm < static_cast<int64_t>(scalars_.size()), "estimate needs scalar '{}'", kernel_.scalars[i.imm]);
          set_both(index, scalars_[i.imm]);
        }
        // The first thread of the first group stands for all.
        if (i.op == Op::group || i.op == Op::warp || i.op == Op::lane) set_both(index, 0);
        if (i.op == Op::lane) neighbour_[index] = 1;
        return;
      case OpKind::variable: return;
      case OpKind::arith:
        arith(i);
        propagate(known_, index, i);
        propagate(neighbour_, index, i);
        break;
      case OpKind::memory:
        count_bytes(i);
        if (i.width == 0) return;
        if (is_scattered(i)) total_.scattered += times_.back();
        break;
      case OpKind::lanes: break;
      case OpKind::tensor:
        if (i.imm != 0) return;
        total_.mma += times_.back();
        count(total_.flops, 2.0 * 16 * 8 * depth_of_mma(kernel_.code[i.args[0]].type == Type::i32) / lanes_of_mma);
        break;
      case OpKind::sync:
        if (kernel_.warps == 1 || i.imm == 1) total_.barriers += times_.back();
        break;
      case OpKind::control: control(index, i); return;
    }
    total_.instructions += times_.back();
  }

  void control(size_t index, const Instruction& i) {
    total_.instructions += times_.back();
    if (i.op == Op::loop) {
      const int64_t end = known(i.args[0]).value_or(1);
      times_.push_back(times_.back() * static_cast<double>(std::max<int64_t>(0, (end + i.imm - 1) / i.imm)));
      set_both(index, 0);
    } else if (i.op == Op::when || i.op == Op::repeat) {
      times_.push_back(times_.back());
    } else {
      times_.pop_back();
    }
  }

  const Kernel& kernel_;
  const std::vector<int32_t>& scalars_;
  Values known_;                  // integer values of the first thread in the first iterations
  Values neighbour_;              // and of the second one
  std::vector<double> times_{1};  // executions of each open bracket's body
  double threads_ = 1;
  Estimate total_;
};

}  // namespace

Estimate estimate(const Kernel& kernel, const std::vector<int32_t>& scalars) { return Counter(kernel, scalars).run(); }

}  // namespace shoal::kernel
