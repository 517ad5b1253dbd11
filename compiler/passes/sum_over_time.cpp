// Sums over the iterations of a loop, taken after it.
#include "compiler/passes/sum_over_time.h"

#include <numeric>

#include "compiler/graph/loops.h"

namespace shoal {

int32_t LoopMembership::operator[](NodeId id) {
  while (known_.size() <= id) known_.push_back(loop_of_node(graph_[static_cast<NodeId>(known_.size())], known_));
  return known_[id];
}

SumOverTime::SumOverTime(Scope& scope, LoopMembership& loops, int32_t loop)
    : scope_(scope), loops_(loops), loop_(loop), extent_(scope.graph().loops[loop].extent) {}

Value SumOverTime::sequence(Value x) {
  const Node node = scope_.graph()[x.id];
  if (!is_inside(x.id)) {
    Shape shape = node.shape;
    shape.insert(shape.begin(), extent_);
    std::vector<int64_t> dims(node.shape.size());
    std::iota(dims.begin(), dims.end(), 1);
    return scope_.add({.prim = Prim::broadcast, .inputs = {x.id}, .attrs = {.shape = shape, .dims = dims}});
  }
  const bool is_slice =
      node.prim == Prim::gather && scope_.graph()[node.inputs[1]].prim == Prim::time && !is_inside(node.inputs[0]);
  if (is_slice && scope_.graph()[node.inputs[0]].shape[0] == extent_) return {&scope_, node.inputs[0]};
  return scope_.add({.prim = Prim::collect, .inputs = {x.id}, .attrs = {.loop = loop_}});
}

Value SumOverTime::sum(Value x) {
  const auto known = sums_.find(x.id);
  if (known != sums_.end()) return {&scope_, known->second};
  const Value result = fresh_sum(x);
  sums_[x.id] = result.id;
  return result;
}

Value SumOverTime::fresh_sum(Value x) {
  if (!is_inside(x.id)) return x * static_cast<double>(extent_);
  const Node node = scope_.graph()[x.id];
  const auto in = [&](size_t i) { return Value{&scope_, node.inputs[i]}; };
  const auto moved = [&] { return scope_.add({.prim = node.prim, .inputs = {sum(in(0)).id}, .attrs = node.attrs}); };
  switch (node.prim) {
    case Prim::contract: return sum_contract(node);
    case Prim::reduce:
      if (node.attrs.reduction == Reduction::sum) return sum_reduce(node);
      break;
    case Prim::add: return sum(in(0)) + sum(in(1));
    case Prim::sub: return sum(in(0)) - sum(in(1));
    case Prim::neg: return -sum(in(0));
    case Prim::mul:
      if (!is_inside(node.inputs[0])) return in(0) * sum(in(1));
      if (!is_inside(node.inputs[1])) return sum(in(0)) * in(1);
      break;
    case Prim::div:
      if (!is_inside(node.inputs[1])) return sum(in(0)) / in(1);
      break;
    case Prim::pad:
      if (node.attrs.value == 0) return moved();
      break;
    case Prim::broadcast:
    case Prim::reshape:
    case Prim::transpose:
    case Prim::slice: return moved();
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
    case Prim::logical_not:
    case Prim::select:
    case Prim::cast:
    case Prim::stop_gradient:
    case Prim::shuffle:
    case Prim::concat:
    case Prim::gather:
    case Prim::window:
    case Prim::unwindow:
    case Prim::time:
    case Prim::carry:
    case Prim::last:
    case Prim::collect: break;
  }
  return reduce(Reduction::sum, sequence(x), {0});
}

Value SumOverTime::sum_contract(const Node& node) {
  std::string letters[] = {node.attrs.a, node.attrs.b};
  char time = 'a';
  while ((letters[0] + letters[1] + *node.attrs.out).find(time) != std::string::npos)
    time = time == 'z' ? 'A' : time + 1;
  Operands operands;
  for (size_t i = 0; i < 2; ++i) {
    NodeId operand = node.inputs[i];
    if (is_inside(operand)) {
      letters[i].insert(letters[i].begin(), time);
      operand = sequence({&scope_, operand}).id;
    }
    operands.push_back(operand);
  }
  Attrs attrs = node.attrs;
  attrs.a = std::move(letters[0]);
  attrs.b = std::move(letters[1]);
  return scope_.add({.prim = Prim::contract, .inputs = std::move(operands), .attrs = std::move(attrs)});
}

Value SumOverTime::sum_reduce(const Node& node) {
  std::vector<int64_t> dims = {0};
  for (int64_t d : node.attrs.dims) dims.push_back(d + 1);
  Attrs attrs = node.attrs;
  attrs.dims = std::move(dims);
  attrs.over_sample = false;
  const Value operand = sequence({&scope_, node.inputs[0]});
  const Value sum = scope_.add({.prim = Prim::reduce, .inputs = {operand.id}, .attrs = std::move(attrs)});
  // Samples come last: what is left to add up across them, or to bring into another layout for that, is one step's.
  return node.attrs.over_sample ? sum_samples(sum) : sum;
}

}  // namespace shoal
