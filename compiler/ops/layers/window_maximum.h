// The largest number under each window of an image. What never falls as a number grows (a bias, relu, tanh) leaves the
// order of numbers as it is, so it is done to the largest one of a window in the place of all of them.
#pragma once

#include <algorithm>
#include <limits>

#include "compiler/ops/layers/images.h"

namespace shoal {

// Whether a value is the same for all positions of an image [C, H, W].
inline bool same_in_image(const Graph& graph, NodeId id) {
  const Node& node = graph[id];
  return node.shape.empty() ||
         (node.prim == Prim::broadcast && std::ranges::all_of(node.attrs.dims, [](int64_t d) { return d == 0; }));
}

// The operand with which an image grows, or at least never falls, by nothing else at the same position; -1 for none.
// Rounding keeps that up, and where an approximation of tanh or exp does not, it is by no more than its error.
inline int grows_with(const Graph& graph, NodeId image) {
  const Node& node = graph[image];
  const auto full = [&](size_t i) { return graph[node.inputs[i]].shape == node.shape; };
  const auto is_positive = [&](size_t i) {
    const Node& factor = graph[node.inputs[i]];
    return factor.prim == Prim::constant && factor.attrs.value > 0;
  };
  const bool add = node.prim == Prim::add || node.prim == Prim::max || node.prim == Prim::min;
  if (node.prim == Prim::tanh || node.prim == Prim::exp) return 0;
  if (node.inputs.size() != 2) return -1;
  for (const size_t i : {size_t{0}, size_t{1}}) {
    if (!full(i)) continue;
    if (add && same_in_image(graph, node.inputs[1 - i])) return static_cast<int>(i);
    if (node.prim == Prim::mul && is_positive(1 - i)) return static_cast<int>(i);
  }
  return node.prim == Prim::sub && full(0) && same_in_image(graph, node.inputs[1]) ? 0 : -1;
}

// [C, H, W] -> [C, OH, OW]. Every window must have an element of the image.
inline Value window_maximum(Value x, const std::array<int64_t, 2>& kernel, const std::array<int64_t, 2>& stride,
                            const std::array<int64_t, 2>& padding) {
  Scope& scope = *x.scope;
  const int operand = grows_with(scope.graph(), x.id);
  if (operand < 0) {
    const Value windows = image_windows(x, kernel, stride, padding, -std::numeric_limits<double>::infinity());
    return reduce(Reduction::max, windows, last_dims(windows, 2));
  }
  Node node = scope.graph()[x.id];
  const Value largest = window_maximum({&scope, node.inputs[operand]}, kernel, stride, padding);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (static_cast<int>(i) == operand) {
      node.inputs[i] = largest.id;
      continue;
    }
    const Node other = scope.graph()[node.inputs[i]];
    if (!other.shape.empty())
      node.inputs[i] = scope
                           .add({.prim = Prim::broadcast,
                                 .inputs = other.inputs,
                                 .attrs = {.shape = largest.shape(), .dims = other.attrs.dims}})
                           .id;
  }
  return scope.add({.prim = node.prim, .inputs = node.inputs});
}

}  // namespace shoal
