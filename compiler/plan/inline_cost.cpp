// Counts evaluations backwards and operations forwards, and compares recomputing with storing.
#include "compiler/plan/inline_cost.h"

#include <algorithm>

namespace shoal::plan {
namespace {

// Instructions of one evaluation, roughly, in vector code.
double own_cost(Prim prim) {
  switch (prim) {
    case Prim::input:
    case Prim::constant:
    case Prim::index:
    case Prim::position:
    case Prim::step:
    case Prim::stop_gradient:
    case Prim::broadcast:
    case Prim::reshape:
    case Prim::transpose:
    case Prim::slice:
    case Prim::window:  // its guards become padding of what it reads
    case Prim::time:
    case Prim::carry:
    case Prim::last:
    case Prim::collect: return 0;
    case Prim::add:
    case Prim::sub:
    case Prim::mul:
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
    case Prim::pad: return 1;
    case Prim::concat: return 3;  // for a second piece: the coordinate compared, a guarded load, the choice
    case Prim::div:
    case Prim::rem:
    case Prim::sqrt:
    case Prim::gather: return 4;
    case Prim::exp:
    case Prim::log:
    case Prim::tanh:
    case Prim::sigmoid:
    case Prim::erf:
    case Prim::sin:
    case Prim::cos: return 12;
    case Prim::shuffle: return 40;
    case Prim::unwindow:
    case Prim::reduce:
    case Prim::contract: return 0;  // always stored: read as a load
  }
  return 0;
}

double own_cost(const Node& node) {
  const double cost = own_cost(node.prim);
  return node.prim == Prim::concat ? cost * static_cast<double>(node.inputs.size() - 1) : cost;
}

constexpr double load_cost = 0.5;

// By node: whether it is integer arithmetic on coordinates, which is a part of addressing and never worth memory.
std::vector<bool> known_from_coordinates(const Graph& graph) {
  std::vector<bool> known(graph.nodes.size(), false);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (node.dtype == DType::f32) continue;
    bool leaf = node.prim == Prim::index || node.prim == Prim::constant;
    bool derived = prim_kind(node.prim) == PrimKind::scalar || node.prim == Prim::broadcast;
    known[n] = leaf || (derived && std::all_of(node.inputs.begin(), node.inputs.end(),
                                               [&](NodeId input) { return known[input]; }));
  }
  return known;
}

// How often a sum node evaluates its operand; a register tile reuses each element about four times.
double operand_evaluations(const Graph& graph, const Node& sum, const Node& operand) {
  if (sum.prim != Prim::contract) return static_cast<double>(member_elements(graph, operand));
  double points = static_cast<double>(member_elements(graph, sum));
  std::string counted = sum.attrs.out;
  for (size_t k = 0; k < 2; ++k) {
    const std::string& letters = k ? sum.attrs.b : sum.attrs.a;
    for (size_t d = 0; d < letters.size(); ++d)
      if (counted.find(letters[d]) == std::string::npos) {
        counted += letters[d];
        points *= static_cast<double>(graph[sum.inputs[k]].shape[d]);
      }
  }
  if (sum.attrs.over_sample) points *= static_cast<double>(graph.batch);
  return std::max(points / 4, static_cast<double>(member_elements(graph, operand)));
}

// What writing a concatenation piece by piece costs: nothing is chosen, and sums are written once in any case.
double cost_of_pieces(const Graph& graph, const Node& whole, const std::vector<double>& cost) {
  double total = 0;
  for (NodeId piece : whole.inputs) {
    const bool is_sum = prim_kind(graph[piece].prim) == PrimKind::sum;
    total += static_cast<double>(member_elements(graph, graph[piece])) * (is_sum ? 0 : cost[piece] + 1);
  }
  return total;
}

}  // namespace

bool is_cheap(Prim prim) { return own_cost(prim) <= 1; }

int64_t member_elements(const Graph& graph, const Node& node) {
  return element_count(node.shape) * (node.varies.sample ? graph.batch : 1);
}

bool is_renaming(const Shape& from, const Shape& to) {
  Shape a, b;
  for (int64_t extent : from)
    if (extent != 1) a.push_back(extent);
  for (int64_t extent : to)
    if (extent != 1) b.push_back(extent);
  return a == b;
}

std::vector<bool> worth_storing(const Graph& graph) {
  size_t count = graph.nodes.size();
  std::vector<double> cost(count, load_cost);
  std::vector<bool> known = known_from_coordinates(graph);
  for (size_t n = 0; n < count; ++n) {
    const Node& node = graph.nodes[n];
    PrimKind kind = prim_kind(node.prim);
    if (kind == PrimKind::sum || kind == PrimKind::loop || node.prim == Prim::input) continue;
    // A slice that the iteration of a loop chooses is an ordinary load.
    bool slice_of_time = node.prim == Prim::gather && graph[node.inputs[1]].prim == Prim::time;
    cost[n] = slice_of_time ? 0 : own_cost(node);
    for (NodeId input : node.inputs) cost[n] += cost[input];
    if (known[n]) cost[n] = 0;
  }
  std::vector<double> evaluations(count, 0);
  std::vector<bool> stored(count, false);
  for (const Output& output : graph.outputs) stored[output.value] = true;
  for (size_t n = count; n-- > 0;) {
    const Node& node = graph.nodes[n];
    PrimKind kind = prim_kind(node.prim);
    double elements = static_cast<double>(member_elements(graph, node));
    if (kind == PrimKind::sum) {
      for (NodeId input : node.inputs) evaluations[input] += operand_evaluations(graph, node, graph[input]);
      continue;
    }
    if (kind == PrimKind::source) continue;
    if (node.prim == Prim::collect || node.prim == Prim::last) stored[node.inputs[0]] = true;
    if (kind == PrimKind::loop) {
      for (NodeId input : node.inputs) evaluations[input] += elements;
      continue;
    }
    // What only names elements is not worth memory: what it names may be.
    bool names = own_cost(node) == 0 && kind == PrimKind::indexing;
    double storing = elements * (cost[n] + 1), reading = 1;
    if (node.prim == Prim::concat) storing = cost_of_pieces(graph, node, cost), reading = load_cost;
    if (!names && evaluations[n] * (cost[n] - reading) > storing) stored[n] = true;
    double times = stored[n] ? elements : evaluations[n];
    for (NodeId input : node.inputs) evaluations[input] += times;
    // A reshape that is more than a renaming reads its input as flat memory, so there must be memory.
    if (node.prim == Prim::reshape && !is_renaming(graph[node.inputs[0]].shape, node.shape))
      stored[node.inputs[0]] = true;
    if (node.prim == Prim::gather) stored[node.inputs[0]] = true;
  }
  return stored;
}

}  // namespace shoal::plan
