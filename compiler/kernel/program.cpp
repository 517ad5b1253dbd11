// Decodes a kernel for the interpreter. Slots are given out by a linear scan over lifetimes, so that a thread's values
// stay in the first cache level however long the kernel is.
#include "compiler/kernel/program.h"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

#include "compiler/kernel/brackets.h"
#include "compiler/support/error.h"

namespace shoal::kernel {

namespace {

bool is_leaf(const Instruction& i) { return op_kind(i.op) == OpKind::leaf; }

// The last instruction at which each value is needed: a value from outside a loop lives to the end of the loop.
std::vector<int32_t> last_uses(const Kernel& kernel) {
  const auto size = static_cast<int32_t>(kernel.code.size());
  std::vector<int32_t> closes(kernel.code.size()), last(kernel.code.size());
  std::vector<int32_t> open;
  for (int32_t index = 0; index < size; ++index) {
    const Op op = kernel.code[index].op;
    if (opens_bracket(op)) open.push_back(index);
    if (op == Op::end || op == Op::again) {
      check(!open.empty(), "kernel '{}': brackets do not match", kernel.name);
      closes[open.back()] = index;
      open.pop_back();
    }
  }
  check(open.empty(), "kernel '{}': brackets do not match", kernel.name);
  for (int32_t index = 0; index < size; ++index) {
    const Instruction& i = kernel.code[index];
    last[index] = std::max(last[index], index);
    if (i.op == Op::loop || i.op == Op::repeat) open.push_back(index);
    if (i.op == Op::loop) last[index] = closes[index];
    for (const int32_t value : i.args) {
      if (value < 0) continue;
      check(value < index, "kernel '{}': instruction {} uses a later value", kernel.name, index);
      int32_t until = index;
      for (const int32_t opener : open) {
        if (opener <= value) continue;
        until = closes[opener];
        break;
      }
      last[value] = std::max(last[value], until);
    }
    if (!open.empty() && closes[open.back()] == index) open.pop_back();
  }
  return last;
}

Step typed(Type type, Step f32, Step i32, Step i64) { return type == Type::f32 ? f32 : type == Type::i64 ? i64 : i32; }

Step step_of(const Kernel& kernel, const Instruction& i) {
  const Type type = i.args[0] >= 0 ? kernel.code[i.args[0]].type : Type::none;
  switch (i.op) {
    case Op::add: return typed(type, Step::add_f32, Step::add_i32, Step::add_i64);
    case Op::sub: return typed(type, Step::sub_f32, Step::sub_i32, Step::sub_i64);
    case Op::mul: return typed(type, Step::mul_f32, Step::mul_i32, Step::mul_i64);
    case Op::fma: return Step::fma;
    case Op::div: return type == Type::f32 ? Step::div_f32 : Step::div_i32;
    case Op::rem: return Step::rem;
    case Op::max: return type == Type::f32 ? Step::max_f32 : Step::max_i32;
    case Op::min: return type == Type::f32 ? Step::min_f32 : Step::min_i32;
    case Op::neg: return Step::neg;
    case Op::abs: return Step::abs;
    case Op::floor: return Step::floor;
    case Op::sqrt: return Step::sqrt;
    case Op::exp2: return Step::exp2;
    case Op::rcp: return Step::rcp;
    case Op::band: return Step::band;
    case Op::bor: return Step::bor;
    case Op::bxor: return Step::bxor;
    case Op::shl: return Step::shl;
    case Op::shr: return Step::shr;
    case Op::lt: return typed(type, Step::lt_f32, Step::lt_i32, Step::lt_i64);
    case Op::le: return typed(type, Step::le_f32, Step::le_i32, Step::le_i64);
    case Op::eq: return typed(type, Step::eq_f32, Step::eq_i32, Step::eq_i64);
    case Op::select: return Step::select;
    case Op::to_f32: return Step::i32_to_f32;  // a pred is an i32 that is 0 or 1
    case Op::to_i32: return type == Type::f32 ? Step::f32_to_i32 : Step::copy;
    case Op::to_i64: return Step::i32_to_i64;
    case Op::tf32: return Step::tf32;
    case Op::bf16_pair: return Step::bf16_pair;
    case Op::bits_f32:
    case Op::bits_i32:
    case Op::var:
    case Op::get:
    case Op::set: return Step::copy;
    case Op::loop: return Step::loop;
    case Op::when: return Step::when;
    case Op::again: return Step::again;
    case Op::load: {
      const Type element = kernel.buffers[i.buffer].type;
      return element == Type::f16 ? Step::load_f16 : element == Type::bf16 ? Step::load_bf16 : Step::load;
    }
    case Op::store: return Step::store;
    case Op::lanes_xor: return Step::lanes_xor;
    case Op::mma: return type == Type::f32 ? Step::mma_tf32 : Step::mma_bf16;
    case Op::barrier: return i.imm == 0 ? Step::barrier_warp : Step::barrier_group;
    case Op::constant:
    case Op::scalar:
    case Op::group:
    case Op::warp:
    case Op::lane:
    case Op::repeat:
    case Op::end: break;  // not steps, or made by the decoder itself
  }
  throw InternalError(fmt::format("internal error: no step for opcode {}", op_name(i.op)));
}

class Decoder {
 public:
  explicit Decoder(const Kernel& kernel)
      : kernel_(kernel), last_(last_uses(kernel)), slot_(kernel.code.size()), expiring_(kernel.code.size()) {}

  Program run() {
    place_leaves();
    for (int32_t index = 0; index < static_cast<int32_t>(kernel_.code.size()); ++index) {
      if (!is_leaf(kernel_.code[index])) instruction(index);
      free_.insert(free_.end(), expiring_[index].begin(), expiring_[index].end());
    }
    program_.code.push_back({.step = Step::finish});
    return std::move(program_);
  }

 private:
  struct Bracket {
    Op op = Op::when;
    int32_t position = 0;  // of the opener in the decoded code; of a repeat, of its first step
  };

  void place_leaves() {
    std::map<std::tuple<Op, Type, int64_t, uint32_t>, int32_t> placed;
    for (size_t index = 0; index < kernel_.code.size(); ++index) {
      const Instruction& i = kernel_.code[index];
      if (!is_leaf(i)) continue;
      const auto [found, added] =
          placed.emplace(std::tuple(i.op, i.type, i.imm, std::bit_cast<uint32_t>(i.fimm)), program_.slots);
      if (added) program_.leaves.emplace_back(program_.slots++, i);
      slot_[index] = found->second;
    }
  }

  int32_t slot_for(int32_t index) {
    int32_t slot = program_.slots;
    if (free_.empty()) {
      ++program_.slots;
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    expiring_[last_[index]].push_back(slot);
    return slot;
  }

  void instruction(int32_t index) {
    const Instruction& i = kernel_.code[index];
    const auto here = static_cast<int32_t>(program_.code.size());
    if (i.op == Op::repeat) {
      open_.push_back({Op::repeat, here});
      return;
    }
    if (i.op == Op::end) {
      if (open_.back().op == Op::loop) {
        Decoded next = program_.code[open_.back().position];
        next.step = Step::loop_end;
        next.target = open_.back().position + 1;
        next.source = index;
        program_.code.push_back(next);
      }
      program_.code[open_.back().position].target = static_cast<int32_t>(program_.code.size());
      open_.pop_back();
      return;
    }
    Decoded d{.step = step_of(kernel_, i), .imm = i.imm, .source = index};
    const auto operand = [&](int a) { return i.args[a] < 0 ? 0 : slot_[i.args[a]]; };
    d.a = operand(0);
    d.b = operand(1);
    d.c = operand(2);
    if (i.op == Op::set) {
      d.result = d.a;
      d.a = d.b;
    } else if (i.type != Type::none) {
      d.result = slot_[index] = slot_for(index);
    }
    if (i.op == Op::loop || i.op == Op::when) open_.push_back({i.op, here});
    if (i.op == Op::again) {
      d.target = open_.back().position;
      open_.pop_back();
    }
    if (op_kind(i.op) == OpKind::memory) {
      d.target = i.buffer;
      d.unused_operands = static_cast<uint8_t>((i.args[0] < 0 ? 1 : 0) | (i.args[1] < 0 ? 2 : 0));
    }
    program_.code.push_back(d);
  }

  const Kernel& kernel_;
  std::vector<int32_t> last_;
  std::vector<int32_t> slot_;
  std::vector<std::vector<int32_t>> expiring_;  // slots that are free after each instruction
  std::vector<int32_t> free_;
  std::vector<Bracket> open_;
  Program program_;
};

}  // namespace

Program decode(const Kernel& kernel) { return Decoder(kernel).run(); }

}  // namespace shoal::kernel
