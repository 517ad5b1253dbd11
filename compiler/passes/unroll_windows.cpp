// unroll_windows: a reduction over the few offsets of a window becomes a chain of scalars, which readers and writers
// join as they join any other: the maximum of a pooling, and which of its elements is the first of the largest ones.
#include <algorithm>
#include <map>
#include <utility>

#include "compiler/graph/scalar.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/rewrite.h"

namespace shoal {
namespace {

constexpr int64_t most_elements = 9;  // of a window: each is an instruction or more in the reader's body

bool reduces_few(const Node& node) {
  return node.prim == Prim::reduce && !node.attrs.over_sample && !node.attrs.dims.empty() && !node.shape.empty();
}

class Unrolling {
 public:
  Unrolling(Graph& graph, const Node& reduce) : graph_(graph), reduce_(reduce) {
    const Shape& whole = graph_[reduce.inputs[0]].shape;
    rank_ = whole.size() - reduce.attrs.dims.size();
    for (size_t i = 0; i < reduce.attrs.dims.size(); ++i) {
      trailing_ = trailing_ && reduce.attrs.dims[i] == static_cast<int64_t>(rank_ + i);
      if (trailing_) extents_.push_back(whole[rank_ + i]), elements_ *= extents_.back();
    }
  }

  bool may() {
    if (!trailing_ || elements_ > most_elements) return false;
    return is_of_windows(reduce_.inputs[0]) && windows_ > 0;
  }

  NodeId run() {
    std::vector<NodeId> elements;
    for (int64_t e = 0; e < elements_; ++e) elements.push_back(element(reduce_.inputs[0], e));
    return is_first_place(elements) ? first_place(elements) : combined(elements, 0, elements.size());
  }

 private:
  Prim prim() const {
    switch (reduce_.attrs.reduction) {
      case Reduction::sum: return Prim::add;
      case Reduction::max: return Prim::max;
      case Reduction::min: return Prim::min;
    }
    return Prim::add;
  }

  // Halves in order, so that no chain is longer than it has to be.
  NodeId combined(const std::vector<NodeId>& elements, size_t begin, size_t end) {
    if (end - begin == 1) return elements[begin];
    const size_t half = begin + (end - begin + 1) / 2;
    const NodeId first = combined(elements, begin, half), second = combined(elements, half, end);
    return graph_.add({.prim = prim(), .inputs = {first, second}});
  }

  // The least of numbers that ascend, each where a condition of its own holds and else one beyond all of them: where
  // the first condition holds it is the first number, whatever the others.
  bool is_first_place(const std::vector<NodeId>& elements) const {
    double before = -1;
    const auto number = [this](NodeId id) { return graph_[id].attrs.value; };
    const auto is_constant = [this](NodeId id) { return graph_[id].prim == Prim::constant; };
    for (const NodeId id : elements) {
      const Node& node = graph_[id];
      if (node.prim != Prim::select || !is_constant(node.inputs[1]) || !is_constant(node.inputs[2])) return false;
      const double place = number(node.inputs[1]), beyond = number(node.inputs[2]);
      if (!(before < place && place < beyond) || beyond != number(graph_[elements[0]].inputs[2])) return false;
      before = place;
    }
    return reduce_.attrs.reduction == Reduction::min;
  }
  NodeId first_place(const std::vector<NodeId>& elements) {
    NodeId result = elements.back();
    for (size_t e = elements.size() - 1; e-- > 0;) {
      const Node& node = graph_[elements[e]];
      result = graph_.add({.prim = Prim::select, .inputs = {node.inputs[0], node.inputs[1], result}});
    }
    return result;
  }

  // Whether the reduced dimensions are nothing but the offsets of windows within an image.
  bool is_of_windows(NodeId id) {
    const Node& node = graph_[id];
    if (node.shape.empty()) return true;
    const auto known = known_.find(id);
    if (known != known_.end()) return known->second;
    bool result = node.prim == Prim::index;
    if (prim_kind(node.prim) == PrimKind::scalar)
      result = std::ranges::all_of(node.inputs, [this](NodeId input) { return is_of_windows(input); });
    if (node.prim == Prim::broadcast)
      result = std::ranges::all_of(node.attrs.dims, [this](int64_t d) { return d < static_cast<int64_t>(rank_); });
    if (node.prim == Prim::window) {
      const auto none = [](const std::vector<int64_t>& list) {
        return std::ranges::all_of(list, [](int64_t e) { return e == 0; });
      };
      result = node.attrs.kernel == extents_ && none(node.attrs.low) && none(node.attrs.high);
      windows_ += result;
    }
    return known_[id] = result;
  }

  // The operand where the reduced dimensions are those of the e-th element.
  NodeId element(NodeId id, int64_t e) {
    if (graph_[id].shape.empty()) return id;
    const auto known = made_.find({id, e});
    if (known != made_.end()) return known->second;
    return made_[{id, e}] = make_element(id, e);
  }

  NodeId make_element(NodeId id, int64_t e) {
    const Node node = graph_[id];
    const Shape shape(node.shape.begin(), node.shape.begin() + static_cast<std::ptrdiff_t>(rank_));
    if (prim_kind(node.prim) == PrimKind::scalar) {
      Node made{.prim = node.prim, .attrs = node.attrs};
      for (const NodeId input : node.inputs) made.inputs.push_back(element(input, e));
      return constant_or(std::move(made));
    }
    std::vector<int64_t> at(extents_.size());
    for (size_t i = extents_.size(); i-- > 0; e /= extents_[i]) at[i] = e % extents_[i];
    if (node.prim == Prim::index) {
      const int64_t d = node.attrs.dim - static_cast<int64_t>(rank_);
      if (d < 0) return graph_.add({.prim = Prim::index, .attrs = {.shape = shape, .dim = node.attrs.dim}});
      return graph_.add({.prim = Prim::constant, .attrs = {.value = static_cast<double>(at[d]), .dtype = DType::i32}});
    }
    if (node.prim == Prim::broadcast)
      return graph_.add(
          {.prim = Prim::broadcast, .inputs = node.inputs, .attrs = {.shape = shape, .dims = node.attrs.dims}});
    Shape piece = shape;
    std::vector<int64_t> low(rank_, 0);
    low.insert(low.end(), at.begin(), at.end());
    piece.resize(node.shape.size(), 1);
    const NodeId slice = graph_.add({.prim = Prim::slice, .inputs = {id}, .attrs = {.shape = piece, .low = low}});
    return graph_.add({.prim = Prim::reshape, .inputs = {slice}, .attrs = {.shape = shape}});
  }

  // A scalar of constants is one: the place of an element among those of its window.
  NodeId constant_or(Node node) {
    double args[3] = {};
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (graph_[node.inputs[i]].prim != Prim::constant || (node.prim != Prim::add && node.prim != Prim::mul))
        return graph_.add(std::move(node));
      args[i] = graph_[node.inputs[i]].attrs.value;
    }
    derive(graph_, node);
    const double value = scalar_value(node.prim, graph_[node.inputs.back()].dtype, node.dtype, 0, args);
    return graph_.add({.prim = Prim::constant, .attrs = {.value = value, .dtype = node.dtype}});
  }

  Graph& graph_;
  const Node& reduce_;
  size_t rank_ = 0;       // of the result
  Shape extents_;         // of the reduced dimensions
  int64_t elements_ = 1;  // their product
  bool trailing_ = true;  // they are the last ones
  int windows_ = 0;       // read
  std::map<NodeId, bool> known_;
  std::map<std::pair<NodeId, int64_t>, NodeId> made_;
};

}  // namespace

Graph unroll_windows(Graph graph) {
  const auto windows = [](const Node& node) { return node.prim == Prim::window; };
  if (std::ranges::none_of(graph.nodes, windows) || std::ranges::none_of(graph.nodes, reduces_few)) return graph;
  std::vector<bool> advances(graph.nodes.size(), false);
  for (const Loop& loop : graph.loops)
    for (const auto& each : loop.carried) advances[each.next] = true;
  return rewrite(std::move(graph), [&](Graph& result, Node&& node, NodeId old) {
    if (reduces_few(node) && !advances[old]) {
      Unrolling unrolling(result, node);
      if (unrolling.may()) return unrolling.run();
    }
    return result.append(std::move(node));
  });
}

}  // namespace shoal
