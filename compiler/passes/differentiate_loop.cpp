// The gradient of a loop over time, taken as one unit: a loop that runs the other way.
//
// It carries the gradient of each carried value. What the forward loop computed is read from a stash (collected after
// the forward loop) or computed again: sums and expensive functions are stashed, cheap ones are not. Gradients of
// values outside of the loop are sums over time, taken after it.
#include "compiler/passes/differentiate_loop.h"

#include <algorithm>
#include <map>

#include "compiler/passes/derivative.h"
#include "compiler/passes/sum_over_time.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

bool is_expensive(Prim prim) {
  switch (prim) {
    case Prim::div:
    case Prim::sqrt:
    case Prim::exp:
    case Prim::log:
    case Prim::tanh:
    case Prim::sigmoid:
    case Prim::erf:
    case Prim::sin:
    case Prim::cos:
    case Prim::shuffle:
    case Prim::unwindow:
    case Prim::reduce:
    case Prim::contract: return true;
    case Prim::input:
    case Prim::constant:
    case Prim::index:
    case Prim::position:
    case Prim::step:
    case Prim::add:
    case Prim::sub:
    case Prim::mul:
    case Prim::rem:
    case Prim::max:
    case Prim::min:
    case Prim::neg:
    case Prim::abs:
    case Prim::floor:
    case Prim::lt:
    case Prim::le:
    case Prim::eq:
    case Prim::logical_and:
    case Prim::logical_or:
    case Prim::logical_not:
    case Prim::select:
    case Prim::cast:
    case Prim::stop_gradient:
    case Prim::broadcast:
    case Prim::reshape:
    case Prim::transpose:
    case Prim::slice:
    case Prim::pad:
    case Prim::concat:
    case Prim::gather:
    case Prim::window:
    case Prim::time:
    case Prim::carry:
    case Prim::last:
    case Prim::collect: return false;
  }
  return false;
}

class LoopGradient {
 public:
  LoopGradient(Scope& scope, int32_t loop, const std::vector<int32_t>& loops, const std::vector<bool>& depends,
               Gradients& gradients)
      : scope_(scope),
        loop_(loop),
        forward_loops_(loops),
        depends_(depends),
        gradients_(gradients),
        loops_(scope.graph()) {}

  void run() {
    find_exits();
    if (exits_.empty()) return;
    const Loop forward = graph().loops[loop_];
    backward_ = scope_.loop(forward.extent, !forward.reversed);
    time_ = scope_.time(backward_);
    start_carries(forward);
    enter();
    for (NodeId id = static_cast<NodeId>(depends_.size()); id-- > 0;)
      if (forward_loops_[id] == loop_ && depends_[id] && gradients_.reached(id)) pass(id);
    advance();
    leave();
  }

 private:
  Scope& scope_;
  const int32_t loop_;
  const std::vector<int32_t>& forward_loops_;
  const std::vector<bool>& depends_;
  Gradients& gradients_;
  LoopMembership loops_;
  int32_t backward_ = -1;
  Value time_;
  std::vector<NodeId> exits_;            // the last and collect nodes that have a gradient
  std::map<NodeId, NodeId> final_;       // by in-loop value: its gradient in the final iteration alone
  std::map<NodeId, NodeId> in_reverse_;  // by forward node: its value in the backward loop

  struct Carried {
    NodeId carry;
    Value gradient;  // the carry of the backward loop
    Value next = {};
  };
  std::vector<Carried> carried_;

  // A part of the gradient of a value outside: what iterations add to it, or (of a table read at `time`) its slices.
  struct Part {
    NodeId operand;
    Value value;
    bool is_slice;
  };
  std::vector<Part> parts_;

  const Graph& graph() const { return scope_.graph(); }

  void find_exits() {
    for (NodeId id = 0; id < depends_.size(); ++id) {
      const Node& node = graph()[id];
      const bool is_exit = (node.prim == Prim::last || node.prim == Prim::collect) && node.attrs.loop == loop_;
      if (is_exit && depends_[id] && gradients_.reached(id)) exits_.push_back(id);
    }
  }

  void start_carries(const Loop& forward) {
    for (NodeId id : exits_) {
      if (graph()[id].prim != Prim::last) continue;
      const auto [at, is_new] = final_.try_emplace(graph()[id].inputs[0], gradients_[id].id);
      if (!is_new) at->second = (Value{&scope_, at->second} + gradients_[id]).id;
    }
    for (const auto& [carry, next] : forward.carried) {
      if (!depends_[carry]) continue;
      const Node node = graph()[carry];
      Value initial = scope_.constant(0);
      if (const auto found = final_.find(next); found != final_.end()) {
        initial = {&scope_, found->second};
        final_.erase(found);
      }
      const Value gradient = scope_.carry(backward_, full_gradient(initial, node.shape), node.varies);
      carried_.push_back({carry, gradient});
      gradients_.add(next, gradient);
    }
  }

  // The gradients that come in through last and collect.
  void enter() {
    const Loop& forward = graph().loops[loop_];
    const double final_time = forward.reversed ? 0 : static_cast<double>(forward.extent - 1);
    for (const auto& [value, gradient] : final_)
      gradients_.add(value, select(equal(time_, scope_.constant(final_time, DType::i32)), {&scope_, gradient}, 0.0));
    for (NodeId id : exits_) {
      if (graph()[id].prim != Prim::collect) continue;
      const Value g = gradients_[id];
      gradients_.add(graph()[id].inputs[0], g.shape().empty() ? g : gather(g, time_));
    }
  }

  // The value of a node of the forward loop at the backward loop's time.
  NodeId in_reverse(NodeId id) {
    if (forward_loops_[id] != loop_) return id;
    if (const auto known = in_reverse_.find(id); known != in_reverse_.end()) return known->second;
    Node node = graph()[id];
    NodeId result = no_node;
    if (node.prim == Prim::time) {
      result = time_.id;
    } else if (is_stashed(node)) {
      const Value stash = scope_.add({.prim = Prim::collect, .inputs = {id}, .attrs = {.loop = loop_}});
      result = gather(stash, time_).id;
    } else {
      for (NodeId& input : node.inputs) input = in_reverse(input);
      node.name = {};
      result = scope_.add(std::move(node)).id;
    }
    in_reverse_[id] = result;
    return result;
  }

  // A slice of what would be computed from a stash is stashed itself, because the rest may not be needed.
  bool is_stashed(const Node& node) const {
    if (node.prim == Prim::carry || is_expensive(node.prim)) return true;
    return node.prim == Prim::slice && reads_expensive(node.inputs[0]);
  }

  bool reads_expensive(NodeId id) const {
    const Node& node = graph()[id];
    if (forward_loops_[id] != loop_ || node.prim == Prim::carry) return false;
    return is_expensive(node.prim) || std::ranges::any_of(node.inputs, [this](NodeId x) { return reads_expensive(x); });
  }

  // Passes the gradient of a node of the forward loop on to its operands.
  void pass(NodeId id) {
    if (graph()[id].prim == Prim::carry) return;
    const Node forward = graph()[id];
    const Value g = gradients_[id];
    Node reverse = forward;
    for (NodeId& input : reverse.inputs) input = in_reverse(input);
    for (size_t i = 0; i < forward.inputs.size(); ++i) {
      const NodeId operand = forward.inputs[i];
      if (!depends_[operand] || !passes_gradient(graph(), forward, i)) continue;
      const bool inside = forward_loops_[operand] == loop_;
      const bool reads_slice = forward.prim == Prim::gather && graph()[forward.inputs[1]].prim == Prim::time &&
                               graph()[operand].shape[0] == graph().loops[loop_].extent;
      if (!inside && reads_slice) {
        parts_.push_back({operand, full_gradient(g, forward.shape), true});
        continue;
      }
      const auto part = derivative(scope_, reverse, {&scope_, in_reverse(id)}, i, g);
      if (!part) continue;
      if (inside) {
        gradients_.add(operand, *part);
      } else {
        parts_.push_back({operand, *part, false});
      }
    }
  }

  void advance() {
    for (Carried& each : carried_) {
      const Shape shape = graph()[each.carry].shape;
      each.next = full_gradient(gradients_.reached(each.carry) ? gradients_[each.carry] : scope_.constant(0), shape);
      // A gradient that is the same in all iterations, or another carry, becomes a value of the loop's own.
      if (loops_[each.next.id] != backward_ || each.next.id <= each.gradient.id)
        each.next = select(time_ < scope_.constant(0, DType::i32), each.gradient, each.next);
      scope_.advance(each.gradient, each.next);
    }
  }

  void leave() {
    for (const Carried& each : carried_) {
      const Node carry = graph()[each.carry];
      if (!depends_[carry.inputs[0]]) continue;
      const Value g = scope_.add({.prim = Prim::last, .inputs = {each.next.id}, .attrs = {.loop = backward_}});
      gradients_.add(carry.inputs[0], *derivative(scope_, carry, {&scope_, each.carry}, 0, g));
    }
    SumOverTime after(scope_, loops_, backward_);
    for (const Part& part : parts_)
      gradients_.add(part.operand, part.is_slice ? after.sequence(part.value) : after.sum(part.value));
  }
};

}  // namespace

void differentiate_loop(Scope& scope, int32_t loop, const std::vector<int32_t>& loops, const std::vector<bool>& depends,
                        Gradients& gradients) {
  LoopGradient(scope, loop, loops, depends, gradients).run();
}

}  // namespace shoal
