// Analysis before LLVM emission: shapes by a fixed point over mutable slots, then uses in one backward walk.
#include "compiler/emit/llvm_facts.h"

#include <algorithm>
#include <map>
#include <utility>

#include "compiler/kernel/brackets.h"
#include "compiler/support/error.h"

namespace shoal::emit::ir {

using kernel::Instruction;
using kernel::Kernel;
using kernel::Op;
using kernel::OpKind;
using kernel::Space;
using kernel::Type;

bool is_index_arithmetic(Op op) { return op == Op::add || op == Op::sub || op == Op::mul || op == Op::shl; }

namespace {

bool is_local(const Kernel& kernel, const Instruction& in) {
  return in.buffer >= 0 && kernel.buffers[in.buffer].space == Space::local;
}
bool closes(Op op) { return op == Op::end || op == Op::again; }
bool sets_slot(Op op) { return op == Op::set || op == Op::store; }

class Analysis {
 public:
  explicit Analysis(const Kernel& kernel) : kernel_(kernel), code_(kernel.code) {}

  Facts run() {
    facts_.values.resize(code_.size());
    facts_.slot.assign(code_.size(), -1);
    facts_.close.assign(code_.size(), -1);
    facts_.changed.resize(code_.size());
    facts_.divergent.assign(code_.size(), 0);
    find_brackets();
    find_slots();
    while (shapes()) {
    }
    for (int32_t i = int32_t(code_.size()) - 1; i >= 0; --i) uses(i);
    find_crossings();
    return std::move(facts_);
  }

 private:
  ValueFacts& value(int32_t i) { return facts_.values[i]; }
  bool is_constant(int32_t i) const { return code_[i].op == Op::constant; }
  bool is_varying(int32_t i) const { return i >= 0 && facts_.values[i].shape == Shape::varying; }
  bool is_uniform(int32_t i) const { return i < 0 || facts_.values[i].shape == Shape::uniform; }

  void find_brackets() {
    std::vector<int32_t> open;
    for (int32_t i = 0; i < int32_t(code_.size()); ++i) {
      if (kernel::opens_bracket(code_[i].op)) open.push_back(i);
      if (!closes(code_[i].op)) continue;
      check(!open.empty(), "emit llvm: bracket closed that was not open, instruction {}", i);
      facts_.close[open.back()] = i;
      open.pop_back();
    }
    check(open.empty(), "emit llvm: bracket left open, instruction {}", open.empty() ? -1 : open.back());
  }

  int64_t local_element(const Instruction& in) const {
    int64_t element = in.imm;
    for (int32_t part : {in.args[0], in.args[1]}) {
      if (part < 0) continue;
      check(is_constant(part), "emit llvm: access to local {} with an index that is not constant",
            kernel_.buffers[in.buffer].name);
      element += code_[part].imm;
    }
    return element;
  }

  void find_slots() {
    std::map<std::pair<int32_t, int64_t>, int32_t> locals;
    std::vector<int32_t> open;
    for (int32_t i = 0; i < int32_t(code_.size()); ++i) {
      const Instruction& in = code_[i];
      if (kernel::opens_bracket(in.op)) open.push_back(i);
      if (closes(in.op)) open.pop_back();
      if (in.op == Op::var) {
        facts_.slot[i] = int32_t(facts_.slots.size());
        facts_.slots.push_back({.type = in.type, .declared_at = i});
      } else if (in.op == Op::get || in.op == Op::set) {
        facts_.slot[i] = facts_.slot[in.args[0]];
      } else if (is_local(kernel_, in)) {
        auto [at, fresh] = locals.try_emplace({in.buffer, local_element(in)}, int32_t(facts_.slots.size()));
        if (fresh) facts_.slots.push_back({.type = kernel_.buffers[in.buffer].type});
        facts_.slot[i] = at->second;
      }
      if (facts_.slot[i] < 0 || !sets_slot(in.op)) continue;
      for (int32_t bracket : open) {
        if (bracket > facts_.slots[facts_.slot[i]].declared_at) facts_.changed[bracket].push_back(facts_.slot[i]);
      }
    }
    for (auto& slots : facts_.changed) {
      std::sort(slots.begin(), slots.end());
      slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
    }
  }

  // One forward walk; true when something became less uniform, so that another walk is needed.
  bool shapes() {
    bool grew = false;
    int32_t masks = 0;
    std::vector<int32_t> open;
    auto make_varying = [&](Slot& slot) {
      grew = grew || !slot.varying;
      slot.varying = true;
    };
    for (int32_t i = 0; i < int32_t(code_.size()); ++i) {
      const Instruction& in = code_[i];
      if (in.op == Op::when) facts_.divergent[i] = !is_uniform(in.args[0]);
      if (kernel::opens_bracket(in.op)) {
        open.push_back(i);
        masks += facts_.divergent[i];
      } else if (closes(in.op)) {
        if (in.op == Op::again && !is_uniform(in.args[0]) && !facts_.divergent[open.back()]) {
          facts_.divergent[open.back()] = 1;
          grew = true;
          ++masks;
        }
        masks -= facts_.divergent[open.back()];
        open.pop_back();
      }
      if (in.op == Op::var) facts_.slots[facts_.slot[i]].masks = masks;
      if (facts_.slot[i] >= 0) {
        Slot& slot = facts_.slots[facts_.slot[i]];
        if (in.op == Op::var && !is_uniform(in.args[0])) make_varying(slot);
        if (sets_slot(in.op)) {
          const int32_t set_to = in.op == Op::set ? in.args[1] : in.args[2];
          if (!is_uniform(set_to) || masks > slot.masks) make_varying(slot);
        }
      }
      const auto [shape, stride] = shape_of(i);
      value(i).shape = shape;
      value(i).stride = stride;
    }
    return grew;
  }

  std::pair<Shape, int64_t> shape_of(int32_t i) const {
    const std::pair<Shape, int64_t> uniform{Shape::uniform, 0}, varying{Shape::varying, 0};
    const Instruction& in = code_[i];
    if (facts_.slot[i] >= 0) return facts_.slots[facts_.slot[i]].varying ? varying : uniform;
    if (in.op == Op::lane) return kernel_.lanes > 1 ? std::pair{Shape::affine, int64_t{1}} : uniform;
    if (in.op == Op::load) {
      const auto [shape, stride] = access_shape(in);
      return shape == Shape::uniform ? uniform : varying;
    }
    if (in.op == Op::lanes_xor) return is_uniform(in.args[0]) ? uniform : varying;
    if (kernel::op_kind(in.op) != OpKind::arith) return uniform;
    bool all_uniform = true, any_varying = false;
    for (int k = 0; k < kernel::op_operands(in.op); ++k) {
      all_uniform = all_uniform && is_uniform(in.args[k]);
      any_varying = any_varying || is_varying(in.args[k]);
    }
    if (all_uniform) return uniform;
    if (any_varying || (in.type != Type::i32 && in.type != Type::i64)) return varying;
    const int64_t a = facts_.values[in.args[0]].stride, b = in.args[1] < 0 ? 0 : facts_.values[in.args[1]].stride;
    auto affine = [&](int64_t stride) { return stride == 0 ? uniform : std::pair{Shape::affine, stride}; };
    if (in.op == Op::add) return affine(a + b);
    if (in.op == Op::sub) return affine(a - b);
    if (in.op == Op::mul && is_constant(in.args[1])) return affine(a * code_[in.args[1]].imm);
    if (in.op == Op::mul && is_constant(in.args[0])) return affine(b * code_[in.args[0]].imm);
    if (in.op == Op::shl && is_constant(in.args[1])) return affine(a << code_[in.args[1]].imm);
    if (in.op == Op::to_i64) return affine(a);
    return varying;
  }

  std::pair<Shape, int64_t> access_shape(const Instruction& in) const {
    int64_t stride = 0;
    for (int32_t part : {in.args[0], in.args[1]}) {
      if (part < 0) continue;
      if (is_varying(part)) return {Shape::varying, 0};
      stride += facts_.values[part].stride;
    }
    return {stride == 0 ? Shape::uniform : Shape::affine, stride};
  }

  // Marks the forms in which instruction i wants its operands. Users come first, so what i itself is wanted for is
  // known.
  void uses(int32_t i) {
    const Instruction& in = code_[i];
    const ValueFacts& own = value(i);
    auto narrow = [&](int32_t v) { value(v).narrow_use = true; };
    auto as = [&](int32_t v, bool vector) { (vector ? value(v).vector_use : value(v).narrow_use) = true; };
    if (facts_.slot[i] >= 0) {
      const bool vector = facts_.slots[facts_.slot[i]].varying;
      if (in.op == Op::var) as(in.args[0], vector);
      if (in.op == Op::set) as(in.args[1], vector);
      if (in.op == Op::store) as(in.args[2], vector);
      return;
    }
    if (in.op == Op::load || in.op == Op::store) {
      if (in.op == Op::load && !own.used()) return;
      uses_of_access(in);
      if (in.op == Op::store) {
        const bool scalar = access_shape(in).first == Shape::uniform && is_uniform(in.args[2]);
        as(in.args[2], !scalar);
      }
      return;
    }
    if (in.op == Op::loop) value(in.args[0]).wide_use = true;
    if (in.op == Op::when || in.op == Op::again) as(in.args[0], !is_uniform(in.args[0]));
    if (in.op == Op::lanes_xor && own.used()) as(in.args[0], own.shape == Shape::varying);
    if (kernel::op_kind(in.op) != OpKind::arith || !own.used()) return;
    for (int k = 0; k < kernel::op_operands(in.op); ++k) {
      const int32_t v = in.args[k];
      if (own.shape == Shape::varying) {
        as(v, !(in.op == Op::select && k == 0 && is_uniform(v)));
      } else if (in.op == Op::to_i64) {
        value(v).wide_use = true;
      } else if (in.type == Type::i32 && is_index_arithmetic(in.op)) {
        if (own.wide_use) value(v).wide_use = true;
        if (own.narrow_use || own.vector_use) narrow(v);
      } else {
        narrow(v);
      }
    }
  }

  void uses_of_access(const Instruction& in) {
    Address address{.buffer = in.buffer};
    auto part = [&](int32_t v, int32_t& field) {
      if (v < 0) return;
      if (is_varying(v)) value(v).vector_use = true;
      if (is_varying(v) || is_constant(v)) return;
      value(v).wide_use = true;
      field = v;
      std::vector<Address>& at = value(std::max(address.base, address.index)).addresses;
      if (std::find(at.begin(), at.end(), address) == at.end()) at.push_back(address);
    };
    part(in.args[0], address.base);
    part(in.args[1], address.index);
  }

  void find_crossings() {
    std::vector<int32_t> block(code_.size(), 0);
    int32_t now = 0;
    for (int32_t i = 0; i < int32_t(code_.size()); ++i) {
      const Instruction& in = code_[i];
      for (int k = 0; k < kernel::op_operands(in.op); ++k) {
        const int32_t v = in.args[k];
        if (v >= 0 && code_[v].type == Type::pred && is_varying(v) && block[v] != now) value(v).crosses_blocks = true;
      }
      if (kernel::op_kind(in.op) == OpKind::control) ++now;
      block[i] = now;
    }
  }

  const Kernel& kernel_;
  const std::vector<Instruction>& code_;
  Facts facts_;
};

}  // namespace

Facts analyse(const Kernel& kernel) { return Analysis(kernel).run(); }

}  // namespace shoal::emit::ir
