// One walk over the code that multiplies trip counts, and one over the lives of values.
#include "compiler/kernel/gpu_counts.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "compiler/kernel/brackets.h"

namespace shoal::kernel {

namespace {

// Machine instructions of one kernel instruction, by pipe.
struct Slots {
  double floats = 0, integers = 0, special = 0, other = 0;
};

bool is_f32_constant(const Kernel& kernel, int32_t value) {
  return kernel.code[value].op == Op::constant && kernel.code[value].type == Type::f32;
}

bool is_constant_power(const Kernel& kernel, int32_t value) {
  const Instruction& i = kernel.code[value];
  return i.op == Op::constant && i.imm > 0 && (i.imm & (i.imm - 1)) == 0;
}

// Quotients, roots and extremes as cuda_functions.cpp writes them. Several bitwise operations, or a product and a sum,
// are one instruction of the machine.
Slots slots_of_arithmetic(const Kernel& kernel, const Instruction& i) {
  const bool f32 = kernel.code[i.args[0]].type == Type::f32;
  switch (i.op) {
    case Op::add:
    case Op::sub:
    case Op::mul: return f32 ? Slots{.floats = 1} : Slots{.integers = i.type == Type::i64 ? 2.0 : 0.7};
    case Op::fma: return {.floats = 1};
    case Op::div:
      if (f32) return {.floats = 5, .special = 1};
      return {.integers = is_constant_power(kernel, i.args[1]) ? 1.0 : 4.0};
    case Op::rem: return {.integers = is_constant_power(kernel, i.args[1]) ? 1.0 : 5.0};
    case Op::max:
    case Op::min:
      if (!f32) return {.integers = 1};
      return {.floats = is_f32_constant(kernel, i.args[0]) ? 1.0 : 2.0};
    case Op::floor:
    case Op::exp2:
    case Op::rcp: return {.special = 1};
    case Op::sqrt: return {.floats = 5, .special = 2};
    case Op::band:
    case Op::bor:
    case Op::bxor: return {.integers = i.type == Type::pred ? 0.3 : 0.6};
    case Op::shl:
    case Op::shr: return {.integers = 1};
    case Op::lt:
    case Op::le:
    case Op::eq: return f32 ? Slots{.floats = 1} : Slots{.integers = 1};
    case Op::select: return i.type == Type::f32 ? Slots{.floats = 1} : Slots{.integers = 1};
    case Op::to_f32:
    case Op::to_i32: return {.special = 1};
    case Op::tf32:
      return {.floats = 1, .integers = 2};  // all but NaN and infinity are rounded by an addition and a mask
    case Op::bf16_pair: return {.integers = 1};
    case Op::to_i64: return {.integers = 1};
    case Op::neg:
    case Op::abs:
    case Op::bits_f32:
    case Op::bits_i32:
    case Op::constant:
    case Op::scalar:
    case Op::group:
    case Op::warp:
    case Op::lane:
    case Op::var:
    case Op::get:
    case Op::set:
    case Op::loop:
    case Op::when:
    case Op::repeat:
    case Op::again:
    case Op::end:
    case Op::load:
    case Op::store:
    case Op::lanes_xor:
    case Op::mma:
    case Op::barrier: return {};
  }
  return {};
}

class GpuCounter {
 public:
  GpuCounter(const Kernel& kernel, int64_t steps) : kernel_(kernel), steps_(steps) {}

  GpuCounts run() {
    for (const Instruction& i : kernel_.code) visit(i);
    return total_;
  }

 private:
  void issue(const Slots& s) {
    const double times = times_.back();
    total_.floats += s.floats * times;
    total_.integers += s.integers * times;
    total_.special += s.special * times;
    total_.issued += (s.floats + s.integers + s.special + s.other) * times;
  }

  void memory(const Instruction& i) {
    const Buffer& buffer = kernel_.buffers[i.buffer];
    if (buffer.space == Space::local) return;
    const double times = times_.back();
    if (buffer.space == Space::global)
      total_.global_bytes += static_cast<double>(element_bytes(buffer.type)) * kernel_.lanes * times;
    if (i.width == 0) return;
    issue({.other = 1});
    if (buffer.space != Space::shared) return;
    const bool store = i.op == Op::store;
    total_.shared_return += i.width * times;
    total_.shared_merge += (store ? i.width : i.width == 4 ? 2 : 1) * times;
  }

  void control(const Instruction& i) {
    if (i.op == Op::loop) {
      const Instruction& count = kernel_.code[i.args[0]];
      const double end = count.op == Op::constant ? static_cast<double>(count.imm)
                         : count.op == Op::scalar ? static_cast<double>(steps_)
                                                  : 1.0;
      times_.push_back(times_.back() * std::max(0.0, std::ceil(end / static_cast<double>(i.imm))));
      total_.rounds += times_.back();
      issue({.integers = 2, .other = 1});
    } else if (i.op == Op::when || i.op == Op::repeat) {
      times_.push_back(times_.back());
      issue({.other = 1});
    } else {
      if (i.op == Op::again) issue({.other = 2});
      times_.pop_back();
    }
  }

  void visit(const Instruction& i) {
    switch (op_kind(i.op)) {
      case OpKind::leaf:
      case OpKind::variable: return;
      case OpKind::arith: return issue(slots_of_arithmetic(kernel_, i));
      case OpKind::memory: return memory(i);
      case OpKind::lanes:
        total_.shared_merge += times_.back(), total_.shared_return += times_.back();
        return issue({.other = 1});
      case OpKind::tensor:
        if (i.imm != 0) return;  // four instructions of the kernel are one of the machine
        total_.mma += times_.back();
        return issue({.other = 1});
      case OpKind::sync: total_.barriers += times_.back(); return issue({.other = 1});
      case OpKind::control: return control(i);
    }
  }

  const Kernel& kernel_;
  int64_t steps_;
  std::vector<double> times_{1};
  GpuCounts total_;
};

// Lives of values, vars and elements of local buffers, as instructions from the first to the last.
class RegisterCounter {
 public:
  explicit RegisterCounter(const Kernel& kernel) : kernel_(kernel), closes_(kernel.code.size()) {}

  int run() {
    match_brackets();
    std::vector<int64_t> change(kernel_.code.size() + 1);
    const auto live = [&](int32_t first, int32_t last, int64_t registers) {
      change[static_cast<size_t>(first)] += registers;
      change[static_cast<size_t>(last)] -= registers;
    };
    std::map<std::pair<int32_t, int64_t>, std::pair<int32_t, int32_t>> elements;
    std::vector<int32_t> last(kernel_.code.size(), -1), open;
    std::vector<bool> becomes_var(kernel_.code.size(), false);  // computed in the register of the var
    for (int32_t index = 0; index < static_cast<int32_t>(kernel_.code.size()); ++index) {
      const Instruction& i = kernel_.code[index];
      if (i.op == Op::end || i.op == Op::again) open.pop_back();
      for (const int32_t value : i.args)
        if (value >= 0) last[value] = std::max(last[value], until(value, index, open));
      if (i.op == Op::set) becomes_var[i.args[1]] = true;
      if (i.buffer >= 0 && kernel_.buffers[i.buffer].space == Space::local) {
        auto [at, added] = elements.try_emplace({i.buffer, i.imm}, index, index);
        at->second.second = std::max(at->second.second, until(at->second.first, index, open));
      }
      if (opens_bracket(i.op)) open.push_back(index);
      if (i.op == Op::loop) last[index] = closes_[index];
    }
    for (int32_t index = 0; index < static_cast<int32_t>(kernel_.code.size()); ++index) {
      const int64_t registers = size_of(kernel_.code[index]);
      if (last[index] > index && !becomes_var[index]) live(index, last[index], registers);
    }
    for (const auto& [element, life] : elements) live(life.first, life.second, 1);
    int64_t now = 0, most = 0;
    for (const int64_t c : change) most = std::max(most, now += c);
    return static_cast<int>(most + own);
  }

 private:
  // Stack, addresses of arguments, and loads that the compiler moves ahead.
  static constexpr int64_t own = 16;

  void match_brackets() {
    std::vector<int32_t> open;
    for (int32_t index = 0; index < static_cast<int32_t>(kernel_.code.size()); ++index) {
      const Op op = kernel_.code[index].op;
      if (opens_bracket(op)) open.push_back(index);
      if (op != Op::end && op != Op::again) continue;
      closes_[open.back()] = index;
      open.pop_back();
    }
  }

  // What is defined before a loop and used in it lives until the loop ends.
  int32_t until(int32_t defined, int32_t used, const std::vector<int32_t>& open) const {
    for (const int32_t opener : open)
      if (opener > defined && kernel_.code[opener].op != Op::when) return closes_[opener];
    return used;
  }

  // Constants stand in instructions, predicates in registers of their own; a get is its var, whose life it extends, and
  // a load from a local buffer is the element.
  int64_t size_of(const Instruction& i) const {
    if (i.op == Op::constant || i.op == Op::scalar || i.op == Op::get || i.type == Type::pred) return 0;
    if (i.op == Op::load && kernel_.buffers[i.buffer].space == Space::local) return 0;
    if (i.type == Type::none) return 0;
    return i.type == Type::i64 ? 2 : 1;
  }

  const Kernel& kernel_;
  std::vector<int32_t> closes_;
};

}  // namespace

GpuCounts operator-(const GpuCounts& a, const GpuCounts& b) {
  return {a.issued - b.issued,
          a.floats - b.floats,
          a.integers - b.integers,
          a.special - b.special,
          a.shared_merge - b.shared_merge,
          a.shared_return - b.shared_return,
          a.mma - b.mma,
          a.global_bytes - b.global_bytes,
          a.barriers - b.barriers,
          a.rounds - b.rounds};
}

GpuCounts gpu_counts(const Kernel& kernel, int64_t steps) { return GpuCounter(kernel, steps).run(); }

int gpu_registers(const Kernel& kernel) { return RegisterCounter(kernel).run(); }

}  // namespace shoal::kernel
