// fold: constants are computed, and nodes that only repeat an operand go. Arithmetic on values that are not known stays
// as it is unless the result is the same for EVERY value (x * 0 is not: x may be NaN).
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "compiler/graph/loops.h"
#include "compiler/graph/scalar.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/rewrite.h"

namespace shoal {
namespace {

class Folder {
 public:
  Folder(Graph& graph, Node& node, std::vector<int32_t>& loops) : graph_(graph), node_(node), loops_(loops) {}

  NodeId run() {
    if (prim_kind(node_.prim) == PrimKind::scalar) {
      const NodeId constant = constant_result();
      if (constant != no_node) return constant;
      use_rank_zero_operands();
      add_or_subtract_negated();
      double_product();
    }
    derive(graph_, node_);
    const int32_t own_loop = loop_of_node(node_, loops_);
    const NodeId same = equal_operand();
    // An operand that varies over less cannot stand in: sums over samples count on the wider one. Nor can one outside
    // of the node's loop: it may be collected.
    if (same != no_node && graph_[same].shape == node_.shape && graph_[same].dtype == node_.dtype &&
        graph_[same].varies == node_.varies && loops_[same] == own_loop)
      return same;
    loops_.push_back(loop_of_node(node_, loops_));  // which may have got another operand
    return graph_.append(std::move(node_));
  }

 private:
  Graph& graph_;
  Node& node_;
  std::vector<int32_t>& loops_;

  NodeId add(Node node) {
    loops_.push_back(loop_of_node(node, loops_));
    return graph_.add(std::move(node));
  }
  const Node& in(size_t i) const { return graph_[node_.inputs[i]]; }
  bool is(size_t i, double value) const { return in(i).prim == Prim::constant && in(i).attrs.value == value; }

  // The constant that a scalar primitive of constants is, or no_node.
  NodeId constant_result() {
    double args[3] = {};
    for (size_t i = 0; i < node_.inputs.size(); ++i) {
      if (in(i).prim != Prim::constant) return no_node;
      args[i] = in(i).attrs.value;
    }
    derive(graph_, node_);
    const DType type = in(node_.inputs.size() - 1).dtype;
    const bool undefined =
        (type == DType::i32 && (node_.prim == Prim::div || node_.prim == Prim::rem) && args[1] == 0) ||
        (node_.prim == Prim::shuffle && !(args[0] >= 0 && args[0] < node_.attrs.n));
    if (undefined) return no_node;
    const double value = scalar_value(node_.prim, type, node_.dtype, node_.attrs.n, args);
    if (std::isnan(value)) return no_node;
    return add({.prim = Prim::constant, .attrs = {.value = value, .dtype = node_.dtype}, .name = node_.name});
  }

  // A number repeated to a shape is that number to a scalar primitive, as long as another operand gives the shape.
  void use_rank_zero_operands() {
    const auto ranked = [this](NodeId id) { return !graph_[id].shape.empty(); };
    for (NodeId& id : node_.inputs) {
      const Node& operand = graph_[id];
      if (operand.prim != Prim::broadcast || !graph_[operand.inputs[0]].shape.empty()) continue;
      if (std::ranges::count_if(node_.inputs, ranked) > 1 && ranked(id)) id = operand.inputs[0];
    }
  }

  // x + -y is x - y, to the bit; and x - y may become a multiply-add where y is a product.
  void add_or_subtract_negated() {
    if (node_.prim != Prim::add && node_.prim != Prim::sub) return;
    if (node_.prim == Prim::add && in(0).prim == Prim::neg) std::swap(node_.inputs[0], node_.inputs[1]);
    if (in(1).prim != Prim::neg) return;
    node_.prim = node_.prim == Prim::add ? Prim::sub : Prim::add;
    node_.inputs[1] = in(1).inputs[0];
  }

  // c x + c x, as the gradient of a square is, is (2 c) x, to the bit unless c x is flushed to zero.
  void double_product() {
    if (node_.prim != Prim::add || in(0).prim != Prim::mul || in(1).prim != Prim::mul) return;
    if (in(0).inputs != in(1).inputs || in(0).dtype != DType::f32) return;
    Operands factors = in(0).inputs;
    const auto constant = std::ranges::find(factors, Prim::constant, [this](NodeId id) { return graph_[id].prim; });
    if (constant == factors.end()) return;
    const double twice = 2 * graph_[*constant].attrs.value;
    if (std::isinf(static_cast<float>(twice))) return;
    *constant = add({.prim = Prim::constant, .attrs = {.value = twice, .dtype = DType::f32}});
    node_.prim = Prim::mul;
    node_.inputs = std::move(factors);
  }

  // Joins this node with an operand of the same primitive.
  void compose_reshape() {
    if (in(0).prim == Prim::reshape) node_.inputs[0] = in(0).inputs[0];
  }
  void compose_transpose() {
    if (in(0).prim != Prim::transpose) return;
    std::vector<int64_t> dims;
    for (int64_t d : node_.attrs.dims) dims.push_back(in(0).attrs.dims[d]);
    node_.inputs[0] = in(0).inputs[0];
    node_.attrs.dims = std::move(dims);
  }
  void compose_broadcast() {
    if (in(0).prim != Prim::broadcast) return;
    std::vector<int64_t> dims;
    for (int64_t d : in(0).attrs.dims) dims.push_back(node_.attrs.dims[d]);
    node_.inputs[0] = in(0).inputs[0];
    node_.attrs.dims = std::move(dims);
  }
  NodeId operand_if_dims_in_order() const {
    return std::ranges::is_sorted(node_.attrs.dims) ? node_.inputs[0] : no_node;
  }

  // The operand (or operand's operand) that equals this node if its shape, type and variation do too; or no_node.
  NodeId equal_operand() {
    switch (node_.prim) {
      case Prim::add:
        if (is(1, 0)) return node_.inputs[0];
        return is(0, 0) ? node_.inputs[1] : no_node;
      case Prim::sub: return is(1, 0) ? node_.inputs[0] : no_node;
      case Prim::mul:
        if (is(1, 1)) return node_.inputs[0];
        return is(0, 1) ? node_.inputs[1] : no_node;
      case Prim::div: return is(1, 1) ? node_.inputs[0] : no_node;
      case Prim::neg: return in(0).prim == Prim::neg ? in(0).inputs[0] : no_node;
      case Prim::logical_not: return in(0).prim == Prim::logical_not ? in(0).inputs[0] : no_node;
      case Prim::select:
        if (node_.inputs[1] == node_.inputs[2]) return node_.inputs[1];
        if (in(0).prim != Prim::constant) return no_node;
        return in(0).attrs.value != 0 ? node_.inputs[1] : node_.inputs[2];
      case Prim::cast: return node_.inputs[0];
      case Prim::broadcast: compose_broadcast(); return operand_if_dims_in_order();
      case Prim::reshape: compose_reshape(); return node_.inputs[0];
      case Prim::transpose: compose_transpose(); return operand_if_dims_in_order();
      case Prim::slice:
      case Prim::pad: return node_.inputs[0];
      case Prim::concat: return node_.inputs.size() == 1 ? node_.inputs[0] : no_node;
      case Prim::input:
      case Prim::constant:
      case Prim::index:
      case Prim::position:
      case Prim::step:
      case Prim::rem:
      case Prim::max:
      case Prim::min:
      case Prim::abs:
      case Prim::floor:
      case Prim::sqrt:
      case Prim::exp:
      case Prim::log:
      case Prim::tanh:
      case Prim::sigmoid:
      case Prim::erf:
      case Prim::sin:
      case Prim::cos:
      case Prim::lt:
      case Prim::le:
      case Prim::eq:
      case Prim::logical_and:
      case Prim::logical_or:
      case Prim::stop_gradient:
      case Prim::shuffle:
      case Prim::gather:
      case Prim::window:
      case Prim::unwindow:
      case Prim::reduce:
      case Prim::contract:
      case Prim::time:
      case Prim::carry:
      case Prim::last:
      case Prim::collect: return no_node;
    }
    return no_node;
  }
};

}  // namespace

Graph fold(Graph graph) {
  std::vector<bool> advances(graph.nodes.size(), false);
  for (const Loop& loop : graph.loops)
    for (const auto& each : loop.carried) advances[each.next] = true;
  std::vector<int32_t> loops;  // of the result's nodes
  return rewrite(std::move(graph), [&](Graph& result, Node&& node, NodeId old_id) {
    // What a carry advances to follows it, and stays in the loop: its operands may fold, itself it stays.
    if (advances[old_id]) {
      const NodeId kept = result.append(std::move(node));
      loops.push_back(loop_of_node(result[kept], loops));
      return kept;
    }
    return Folder(result, node, loops).run();
  });
}

}  // namespace shoal
