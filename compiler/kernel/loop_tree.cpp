// One walk over the code: brackets become nodes, instructions are counted in the innermost one.
#include "compiler/kernel/loop_tree.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>

#include "compiler/kernel/affine.h"
#include "compiler/kernel/legality.h"
#include "compiler/kernel/uniformity.h"
#include "compiler/support/error.h"

namespace shoal::kernel {
namespace {

class TreeBuilder {
 public:
  TreeBuilder(const Kernel& kernel, const std::vector<int32_t>& scalars, const Latency& latency)
      : kernel_(kernel),
        scalars_(scalars),
        latency_(latency),
        affine_(kernel.code.size()),
        varying_(kernel.code.size(), false),
        distance_(kernel.code.size(), -1),
        owner_(kernel.code.size(), 0) {
    tree_.nodes.emplace_back();
    carried_.emplace_back();
  }

  LoopTree run() {
    for (size_t i = 0; i < kernel_.code.size(); ++i) visit(static_cast<int32_t>(i));
    return std::move(tree_);
  }

 private:
  struct Bracket {
    bool is_loop = false;  // a node of its own
    bool masks = false;    // in which lanes may be off
    bool single = false;   // which one lane enters, the same one always
  };
  // Accumulators that the open loop carries, and how far each is from the start of the iteration.
  using Carried = std::map<int32_t, double>;

  const Instruction& at(int32_t i) const { return kernel_.code[i]; }
  LoopNode& node() { return tree_.nodes[current_]; }
  bool dead() const { return dead_from_ >= 0; }

  void visit(int32_t i) {
    const Instruction& op = at(i);
    switch (op_kind(op.op)) {
      case OpKind::leaf: return leaf(i);
      case OpKind::variable: return variable(i);
      case OpKind::arith: return arith(i);
      case OpKind::memory: return memory(i);
      case OpKind::lanes:
        varying_[i] = true;
        distance_[i] = follow(op, latency_.add);
        node().issue.shuffles += 1;
        return;
      case OpKind::tensor: varying_[i] = true; return;  // not on CPUs
      case OpKind::sync:
        if (kernel_.warps > 1 && op.imm == 1) tree_.barriers += times_.back();
        return;
      case OpKind::control: return control(i);
    }
  }

  void leaf(int32_t i) {
    const Instruction& op = at(i);
    if (op.op == Op::constant && op.type != Type::f32) affine_[i] = Affine::of(op.imm);
    if (op.op == Op::scalar) {
      check(op.imm < static_cast<int64_t>(scalars_.size()), "loop tree needs scalar '{}'", kernel_.scalars[op.imm]);
      affine_[i] = Affine::of(scalars_[op.imm]);
    }
    if (op.op == Op::warp) affine_[i] = Affine::of(0);
    if (op.op == Op::lane) affine_[i] = Affine::of(0), affine_[i].lane = 1;
    if (op.op == Op::group) affine_[i] = counter_of(0, 1);
    varying_[i] = op.op == Op::lane;
  }

  // The longest way from an accumulator at the start of the iteration to this result; -1 when there is none.
  double follow(const Instruction& op, double cycles) const {
    double longest = -1;
    for (int32_t arg : op.args)
      if (arg >= 0) longest = std::max(longest, distance_[arg]);
    return longest < 0 ? -1 : longest + cycles;
  }

  void variable(int32_t i) {
    const Instruction& op = at(i);
    if (op.op == Op::var) {
      owner_[i] = current_;
      varying_[i] = kernel_.lanes > 1 && (op.type == Type::f32 || varying_[op.args[0]]);
      return;
    }
    const int32_t var = op.args[0];
    if (op.op == Op::get) {
      varying_[i] = varying_[var];
      affine_[i] = Affine::unknown(current_, varying_[i]);
      if (owner_[var] == current_) return;
      distance_[i] = carried_.back().try_emplace(var, 0).first->second;
      return;
    }
    if (varying_[op.args[1]]) varying_[var] = true;
    if (owner_[var] != current_) carried_.back()[var] = std::max(0.0, distance_[op.args[1]]);
  }

  static bool is_float(const Instruction& op, Type operand) {
    return op.op == Op::select ? op.type == Type::f32 : operand == Type::f32;
  }

  void arith(int32_t i) {
    const Instruction& op = at(i);
    affine_[i] = integer_value(op);
    for (int32_t arg : op.args)
      if (arg >= 0 && varying_[arg]) varying_[i] = true;
    if (!affine_[i].known) affine_[i] = Affine::unknown(current_, varying_[i]);
    const bool floats = is_float(op, at(op.args[0]).type);
    distance_[i] = follow(op, cycles_of(op, floats));
    if (dead()) return;
    Issue& issue = node().issue;
    if (floats) {
      if (op.op == Op::div || op.op == Op::sqrt)
        issue.divisions += 1;
      else
        issue.fp += op.op == Op::bits_i32 ? 0 : 1;
    } else if (!affine_[i].lanes_apart) {
      if (!affine_[i].is_constant()) issue.scalar += op.op == Op::div || op.op == Op::rem ? 8 : 1;
    } else if (op.op == Op::div || op.op == Op::rem) {
      issue.int_divides += at(op.args[1]).op == Op::constant ? 1 : kernel_.lanes;
    } else {
      issue.integer += op.op == Op::bits_f32 ? 0 : 1;
    }
  }

  double cycles_of(const Instruction& op, bool floats) const {
    if (op.op == Op::fma) return latency_.fma;
    if (op.op == Op::div || op.op == Op::sqrt) return latency_.divide;
    return floats && (op.op == Op::add || op.op == Op::sub || op.op == Op::mul) ? latency_.add : latency_.other;
  }

  static Affine counter_of(int32_t loop, int64_t step) {
    Affine a = Affine::of(0);
    a.count = 1, a.terms[0] = {loop, step};
    return a;
  }

  Affine value(int32_t i) const { return i < 0 ? Affine() : affine_[i]; }

  Affine integer_value(const Instruction& op) const {
    const Affine a = value(op.args[0]), b = value(op.args[1]);
    if (op.op == Op::add) return sum(a, b, 1);
    if (op.op == Op::sub) return sum(a, b, -1);
    if (op.op == Op::mul) {
      if (b.is_constant()) return sum(Affine::of(0), a, b.constant);
      return a.is_constant() ? sum(Affine::of(0), b, a.constant) : Affine();
    }
    if (op.op == Op::shl) return b.is_constant() ? sum(Affine::of(0), a, int64_t{1} << (b.constant & 31)) : Affine();
    if (op.op == Op::to_i64) return a;
    if (op.op == Op::to_i32) return at(op.args[0]).type == Type::pred ? a : Affine();
    if (op.op == Op::select) return a.is_constant() ? value(op.args[a.constant ? 1 : 2]) : Affine();
    // Any other of two known numbers is known.
    if (op_operands(op.op) != 2 || !a.is_constant() || !b.is_constant()) return {};
    if ((op.op == Op::div || op.op == Op::rem) && b.constant == 0) return {};
    return Affine::of(evaluate_integer(op.op, at(op.args[0]).type, a.constant, b.constant));
  }

  void memory(int32_t i) {
    const Instruction& op = at(i);
    const Buffer& buffer = kernel_.buffers[op.buffer];
    const bool store = op.op == Op::store;
    Affine index = Affine::of(op.imm);
    bool lanes_differ = false;
    for (int k = 0; k < 2; ++k) {
      if (op.args[k] < 0) continue;
      lanes_differ = lanes_differ || varying_[op.args[k]];
      index = sum(index, affine_[op.args[k]], 1);
    }
    if (!index.known) index = Affine::unknown(current_, lanes_differ);
    varying_[i] = lanes_differ;
    affine_[i] = Affine::unknown(current_, varying_[i]);
    if (dead() || op.width == 0 || buffer.space == Space::local) return;
    const bool by_lane = lanes_differ && (index.lanes_apart || index.lane != 0);
    const bool scattered = by_lane && (index.lanes_apart || index.lane != 1);
    Issue& issue = node().issue;
    const bool masked = masks_ > 0 && store;
    if (single_ > 0 && store && !by_lane) {
      issue.stores += 1, issue.shuffles += 1;
    } else if (masked) {
      (scattered ? issue.scatters : issue.masked_stores) += scattered ? kernel_.lanes : 1;
    } else if (!scattered) {
      (store ? issue.stores : issue.loads) += 1;
    } else if (!store && (index.lanes_apart || masks_ > 0)) {
      issue.gathers += kernel_.lanes;
    } else {
      (store ? issue.stores : issue.loads) += kernel_.lanes;
      issue.shuffles += kernel_.lanes;
    }
    add_access(op, index, store, by_lane, scattered);
  }

  void add_access(const Instruction& op, const Affine& index, bool store, bool by_lane, bool scattered) {
    LoopAccess access{.buffer = op.buffer, .loop = current_, .scope = index.scope, .store = store};
    // Lanes that stand apart are as many accesses, one of which may be like the next one's.
    access.elements = by_lane && !scattered ? kernel_.lanes : 1;
    access.count = scattered ? kernel_.lanes : 1;
    access.first = index.constant;
    access.last = index.constant + (scattered ? index.lane * (kernel_.lanes - 1) : 0);
    if (access.last < access.first) std::swap(access.first, access.last);
    access.apart = scattered ? std::abs(index.lane) : 0;
    for (int32_t t = 0; t < index.count; ++t) access.strides.emplace_back(index.terms[t].loop, index.terms[t].factor);
    for (const int32_t a : node().accesses) {
      LoopAccess& like = tree_.accesses[a];
      if (like.buffer != access.buffer || like.scope != access.scope || like.elements != access.elements ||
          like.strides != access.strides || like.store != access.store)
        continue;
      like.count += access.count;
      like.apart = std::gcd(std::gcd(like.apart, access.apart), access.first - like.first);
      like.first = std::min(like.first, access.first), like.last = std::max(like.last, access.last);
      return;
    }
    node().accesses.push_back(static_cast<int32_t>(tree_.accesses.size()));
    tree_.accesses.push_back(std::move(access));
  }

  void control(int32_t i) {
    const Instruction& op = at(i);
    if (op.op == Op::end || op.op == Op::again) return close();
    Bracket bracket;
    bool dies = false;
    if (op.op == Op::loop) {
      const Affine limit = value(op.args[0]);
      const int64_t trips = limit.is_constant() ? (limit.constant + op.imm - 1) / op.imm : 1;
      dies = trips < 1;
      bracket.is_loop = trips > 1 && !dead();
      affine_[i] = Affine::of(0);
      if (bracket.is_loop) open_loop(i, trips, op.imm);
    } else if (!dead()) {
      const bool decided = op.op == Op::when && value(op.args[0]).is_constant();
      dies = decided && value(op.args[0]).constant == 0;
      bracket.single = op.op == Op::when && !decided && only_lane(kernel_, op.args[0]) >= 0;
      if (!decided && !bracket.single) node().issue.branches += 1;
      bracket.masks = op.op == Op::when && !decided && !bracket.single && varying_[op.args[0]];
      masks_ += bracket.masks ? 1 : 0;
      single_ += bracket.single ? 1 : 0;
    }
    if (dies && !dead()) dead_from_ = static_cast<int32_t>(brackets_.size());
    brackets_.push_back(bracket);
  }

  void open_loop(int32_t i, int64_t trips, int64_t step) {
    const auto child = static_cast<int32_t>(tree_.nodes.size());
    node().children.push_back(child);
    tree_.nodes.push_back({.parent = current_, .trips = static_cast<double>(trips)});
    affine_[i] = counter_of(child, step);
    times_.push_back(times_.back() * static_cast<double>(trips));
    carried_.emplace_back();
    current_ = child;
  }

  void close() {
    const Bracket bracket = brackets_.back();
    brackets_.pop_back();
    if (dead_from_ == static_cast<int32_t>(brackets_.size())) dead_from_ = -1;
    masks_ -= bracket.masks ? 1 : 0;
    single_ -= bracket.single ? 1 : 0;
    if (!bracket.is_loop) return;
    for (const auto& [var, distance] : carried_.back()) {
      if (distance > 0) ++node().accumulators;
      node().chain = std::max(node().chain, distance);
    }
    carried_.pop_back();
    times_.pop_back();
    current_ = node().parent;
  }

  const Kernel& kernel_;
  const std::vector<int32_t>& scalars_;
  const Latency latency_;
  LoopTree tree_;
  int32_t current_ = 0;
  std::vector<Affine> affine_;
  std::vector<bool> varying_;     // differs from lane to lane
  std::vector<double> distance_;  // cycles from an accumulator at the start of the innermost loop's iteration
  std::vector<int32_t> owner_;    // of a var: the node that declares it
  std::vector<Carried> carried_;  // by open loop
  std::vector<double> times_{1};
  std::vector<Bracket> brackets_;
  int masks_ = 0;           // open brackets in which lanes may be off
  int single_ = 0;          // open brackets that one lane enters
  int32_t dead_from_ = -1;  // the outermost open bracket whose body never runs
};

}  // namespace

LoopTree loop_tree(const Kernel& kernel, const std::vector<int32_t>& scalars, const Latency& latency) {
  return TreeBuilder(kernel, scalars, latency).run();
}

}  // namespace shoal::kernel
