// Reads graph nodes into the scalar body of a nest: element-wise nodes are inlined, indexing nodes transform the index,
// stored values are loaded.
#include "compiler/plan/nest_builder.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/plan/index.h"
#include "compiler/plan/inline_cost.h"
#include "compiler/support/error.h"

namespace shoal::plan {
namespace {

// What is read where guards fail. An index beside numbers that are filled with minus infinity chooses nothing there.
double fill_of(DType dtype, double fill) {
  return dtype == DType::i32 && std::abs(fill) > std::numeric_limits<int32_t>::max() ? 0 : fill;
}

const Index current_time{{{time_axis, 1}}, 0};

std::vector<Index> in_slice(const Index& time, const std::vector<Index>& point) {
  std::vector<Index> slice{time};
  slice.insert(slice.end(), point.begin(), point.end());
  return slice;
}

// Row-major position of `point` in an array of `shape`.
Index linear(const std::vector<Index>& point, const Shape& shape) {
  Index result;
  for (size_t d = 0; d < shape.size(); ++d) result = sum(scaled(result, shape[d]), point[d]);
  return result;
}

double identity_of(Reduction reduction, DType dtype) {
  double largest = dtype == DType::i32 ? std::numeric_limits<int32_t>::max() : std::numeric_limits<double>::infinity();
  switch (reduction) {
    case Reduction::sum: return 0;
    case Reduction::max: return -largest;
    case Reduction::min: return largest;
  }
  return 0;
}

}  // namespace

NestBuilder::NestBuilder(const Graph& graph, ValueSource& source, NodeId root, int id_, bool copy, bool sample)
    : id(id_),
      graph_(graph),
      source_(source),
      shape_(graph[root].shape),
      sample_(sample),
      scalar_of_(graph.nodes.size(), -1) {
  const Node& node = graph[root];
  nest.name = node.name.empty() ? fmt::format("{}_{}", prim_name(node.prim), root) : *node.name;
  if (sample_) nest.axes.push_back({"s", graph.batch, true, false});
  for (size_t d = 0; d < shape_.size(); ++d) point_.push_back(axis(fmt::format("u{}", d), shape_[d], false, false));
  if (copy) {
    scalar_of_[root] = load(root, point_, {});
    return;
  }
  if (prim_kind(node.prim) != PrimKind::sum) {
    scalar_of_[root] = read_uncached(root, point_, {});
    return;
  }
  nest.reduced = read_sum_operand(node);
  nest.reduction = node.prim == Prim::reduce ? node.attrs.reduction : Reduction::sum;
  scalar_of_[root] =
      add({.kind = Scalar::Kind::accumulator, .dtype = node.dtype, .value = identity_of(nest.reduction, node.dtype)});
}

// A new axis, as an index; an axis of extent 1 is the constant 0.
Index NestBuilder::axis(const std::string& name, int64_t extent, bool sample, bool reduced) {
  if (extent == 1 && !sample) return {};
  nest.axes.push_back({name, extent, sample, reduced});
  return {{{static_cast<int32_t>(nest.axes.size()) - 1, 1}}, 0};
}

int32_t NestBuilder::read_sum_operand(const Node& root) {
  if (root.attrs.over_sample) nest.axes.push_back({"s", graph_.batch, true, true});
  if (root.prim == Prim::contract) return read_product(root, point_, {});
  const Node& input = graph_[root.inputs[0]];
  if (root.prim == Prim::reduce) {
    Point point(input.shape.size());
    size_t kept = 0;
    for (size_t d = 0; d < point.size(); ++d) {
      bool dropped =
          std::find(root.attrs.dims.begin(), root.attrs.dims.end(), static_cast<int64_t>(d)) != root.attrs.dims.end();
      point[d] = dropped ? axis(fmt::format("r{}", d), input.shape[d], false, true) : point_[kept++];
    }
    return read(root.inputs[0], point, {});
  }
  // unwindow: element h gathers from the windows at position (h + low - k) / stride, for every kernel offset k.
  const Attrs& a = root.attrs;
  Point point = point_;
  std::vector<Index> offsets;
  for (size_t j = 0; j < a.dims.size(); ++j) offsets.push_back(axis(fmt::format("k{}", j), a.kernel[j], false, true));
  std::vector<Guard> guards;
  for (size_t j = 0; j < a.dims.size(); ++j) {
    size_t d = static_cast<size_t>(a.dims[j]);
    Index numerator = shifted(sum(point_[d], scaled(offsets[j], -1)), a.low[j]);
    int64_t positions = input.shape[d];
    if (a.stride[j] == 1) {
      point[d] = numerator;
      guards.push_back({numerator, positions, -1});
    } else {
      nest.quotients.push_back({numerator, a.stride[j], positions});
      int32_t number = static_cast<int32_t>(nest.quotients.size()) - 1;
      // Numbered after all axes; axes of a merged contraction come later, so the number is settled at the end.
      point[d] = {{{-1 - number, 1}}, 0};
      guards.push_back({{}, 0, number});
    }
  }
  point.insert(point.end(), offsets.begin(), offsets.end());
  int32_t scalar = guarded(root.inputs[0], point, guards, 0, {});
  auto settle = [&](Index& index) {
    for (Term& term : index.terms)
      if (term.axis < 0) term.axis = static_cast<int32_t>(nest.axes.size()) - 1 - term.axis;
  };
  for (Scalar& s : nest.body) {
    settle(s.index);
    for (Index& index : s.access.dims) settle(index);
    for (Guard& guard : s.guards) settle(guard.index);
  }
  readings_.clear();  // their points still hold unsettled numbers
  return scalar;
}

// The product of a contraction's operands; its summed letters become reduced axes.
int32_t NestBuilder::read_product(const Node& contract, const Point& point, const Context& context) {
  const Attrs& a = contract.attrs;
  std::vector<std::pair<char, Index>> letters;
  for (size_t d = 0; d < a.out.size(); ++d) letters.emplace_back(a.out[d], point[d]);
  auto index_of = [&](char letter, int64_t extent) {
    for (auto& [known, index] : letters)
      if (known == letter) return index;
    letters.emplace_back(letter, axis(std::string(1, letter), extent, false, true));
    return letters.back().second;
  };
  std::array<int32_t, 2> factors{};
  for (size_t k = 0; k < 2; ++k) {
    const std::string& names = k ? a.b : a.a;
    const Node& input = graph_[contract.inputs[k]];
    Point at;
    for (size_t d = 0; d < names.size(); ++d) at.push_back(index_of(names[d], input.shape[d]));
    factors[k] = read(contract.inputs[k], at, context);
  }
  return primitive(Prim::mul, contract.dtype, {factors[0], factors[1]});
}

void NestBuilder::append(NodeId node) { scalar_of_[node] = read_uncached(node, point_, {}); }

void NestBuilder::store(NodeId node, int32_t value) { nest.stores.push_back({{value, point_, -1}, scalar_of_[node]}); }

void NestBuilder::store_slice(NodeId node, int32_t value) {
  nest.stores.push_back({{value, in_slice(current_time, point_), -1}, scalar_of_[node]});
}

void NestBuilder::store_piece(NodeId node, int32_t value, int64_t dim, int64_t begin, bool slice) {
  Point at = point_;
  at[static_cast<size_t>(dim)] = shifted(at[static_cast<size_t>(dim)], begin);
  nest.stores.push_back({{value, slice ? in_slice(current_time, at) : at, -1}, scalar_of_[node]});
}

bool NestBuilder::computes(NodeId node) const { return scalar_of_[node] >= 0; }

bool NestBuilder::has_space_of(const Node& node) const { return node.shape == shape_ && node.varies.sample == sample_; }

bool NestBuilder::reads_only_at_point(int32_t value) const {
  for (const Scalar& s : nest.body)
    if (s.kind == Scalar::Kind::load && s.access.value == value && (s.access.dims != point_ || !s.guards.empty()))
      return false;
  return true;
}

int32_t NestBuilder::add(Scalar scalar) {
  nest.body.push_back(std::move(scalar));
  return static_cast<int32_t>(nest.body.size()) - 1;
}

int32_t NestBuilder::primitive(Prim prim, DType dtype, std::initializer_list<int32_t> args) {
  Scalar scalar{.kind = Scalar::Kind::primitive, .dtype = dtype, .prim = prim};
  std::copy(args.begin(), args.end(), scalar.args.begin());
  return add(std::move(scalar));
}

int32_t NestBuilder::read(NodeId node, const Point& point, const Context& context) {
  if (scalar_of_[node] >= 0 && point == point_ && context.guards.empty()) return scalar_of_[node];
  for (const Reading& r : readings_)
    if (r.node == node && r.point == point && r.guards == context.guards && r.fill == context.fill) return r.scalar;
  int32_t scalar = source_.is_stored(node) ? load(node, point, context) : read_uncached(node, point, context);
  readings_.push_back({node, point, context.guards, context.fill, scalar});
  return scalar;
}

int32_t NestBuilder::load(NodeId node, const Point& point, const Context& context, int32_t indirect) {
  if (const NodeId whole = source_.kept_in(node); whole != no_node)
    return load(whole, in_slice(current_time, point), context, indirect);
  int32_t value = source_.value_of(node);
  loaded.insert(value);
  if (source_.home_of(node) >= 0) dependencies.insert(source_.home_of(node));
  return add({.kind = Scalar::Kind::load,
              .dtype = graph_[node].dtype,
              .value = fill_of(graph_[node].dtype, context.fill),
              .access = {value, point, indirect},
              .guards = context.guards});
}

// `input` at `point` where the added guards hold, else `fill`.
int32_t NestBuilder::guarded(NodeId input, const Point& point, std::vector<Guard> added, double fill,
                             const Context& context) {
  Context inner{context.guards, fill};
  inner.guards.insert(inner.guards.end(), added.begin(), added.end());
  int32_t scalar = read(input, point, inner);
  if (added.empty() || (nest.body[scalar].kind == Scalar::Kind::load && nest.body[scalar].value == fill)) return scalar;
  return add({.kind = Scalar::Kind::guarded,
              .dtype = graph_[input].dtype,
              .value = fill,
              .guards = std::move(added),
              .args = {scalar, -1, -1}});
}

int32_t NestBuilder::read_concat(const Node& node, const Point& point, const Context& context) {
  size_t dim = static_cast<size_t>(node.attrs.dim);
  int64_t begin = 0;
  int32_t result = -1;
  for (NodeId piece : node.inputs) {
    int64_t extent = graph_[piece].shape[dim];
    Point at = point;
    at[dim] = shifted(point[dim], -begin);
    Context inner{context.guards, 0};
    inner.guards.push_back({at[dim], extent, -1});
    int32_t scalar = read(piece, at, inner);
    if (result >= 0) {
      int32_t place = add({.kind = Scalar::Kind::coordinate, .dtype = DType::i32, .index = point[dim]});
      int32_t limit = add({.kind = Scalar::Kind::constant, .dtype = DType::i32, .value = static_cast<double>(begin)});
      result =
          primitive(Prim::select, node.dtype, {primitive(Prim::lt, DType::boolean, {place, limit}), result, scalar});
    } else {
      result = scalar;
    }
    begin += extent;
  }
  return result;
}

int32_t NestBuilder::read_window(const Node& node, const Point& point, const Context& context) {
  const Attrs& a = node.attrs;
  const Shape& in = graph_[node.inputs[0]].shape;
  Point at(point.begin(), point.begin() + static_cast<std::ptrdiff_t>(in.size()));
  std::vector<Guard> guards;
  for (size_t j = 0; j < a.dims.size(); ++j) {
    size_t d = static_cast<size_t>(a.dims[j]);
    at[d] = shifted(sum(scaled(point[d], a.stride[j]), point[in.size() + j]), -a.low[j]);
    if (a.low[j] || a.high[j]) guards.push_back({at[d], in[d], -1});
  }
  return guarded(node.inputs[0], at, guards, a.value, context);
}

int32_t NestBuilder::read_uncached(NodeId id_of_node, const Point& point, const Context& context) {
  const Node& node = graph_[id_of_node];
  const Attrs& a = node.attrs;
  switch (node.prim) {
    case Prim::input: return load(id_of_node, point, context);
    case Prim::constant: return add({.kind = Scalar::Kind::constant, .dtype = node.dtype, .value = a.value});
    case Prim::index:
      return add({.kind = Scalar::Kind::coordinate, .dtype = DType::i32, .index = point[static_cast<size_t>(a.dim)]});
    case Prim::position: return add({.kind = Scalar::Kind::position, .dtype = DType::i32});
    case Prim::step: return add({.kind = Scalar::Kind::step, .dtype = DType::i32});
    case Prim::stop_gradient: return read(node.inputs[0], point, context);
    case Prim::add:
    case Prim::sub:
    case Prim::mul:
    case Prim::div:
    case Prim::rem:
    case Prim::max:
    case Prim::min:
    case Prim::neg:
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
    case Prim::shuffle: {
      Scalar scalar{.kind = Scalar::Kind::primitive, .dtype = node.dtype, .prim = node.prim, .n = a.n};
      for (size_t k = 0; k < node.inputs.size(); ++k)
        scalar.args[k] = read(node.inputs[k], graph_[node.inputs[k]].shape.empty() ? Point{} : point, context);
      return add(std::move(scalar));
    }
    case Prim::broadcast: {
      Point at;
      for (int64_t d : a.dims) at.push_back(point[static_cast<size_t>(d)]);
      return read(node.inputs[0], at, context);
    }
    case Prim::reshape: {
      const Shape& from = graph_[node.inputs[0]].shape;
      Point at(from.size());
      if (is_renaming(from, node.shape)) {
        size_t d = 0;
        for (size_t k = 0; k < node.shape.size(); ++k) {
          if (node.shape[k] == 1) continue;
          while (from[d] == 1) ++d;
          at[d++] = point[k];
        }
        return read(node.inputs[0], at, context);
      }
      // The input stands in memory in row-major order; its last index alone can address all of it.
      check(source_.is_stored(node.inputs[0]), "reshape %{} reads a value that has no memory", id_of_node);
      const NodeId whole = source_.kept_in(node.inputs[0]);
      source_.require_row_major(source_.value_of(whole == no_node ? node.inputs[0] : whole));
      at.back() = linear(point, node.shape);
      return load(node.inputs[0], at, context);
    }
    case Prim::transpose: {
      Point at(point.size());
      for (size_t d = 0; d < point.size(); ++d) at[static_cast<size_t>(a.dims[d])] = point[d];
      return read(node.inputs[0], at, context);
    }
    case Prim::slice: {
      Point at = point;
      for (size_t d = 0; d < at.size(); ++d) at[d] = shifted(at[d], a.low[d]);
      return read(node.inputs[0], at, context);
    }
    case Prim::pad: {
      Point at = point;
      std::vector<Guard> guards;
      for (size_t d = 0; d < at.size(); ++d) {
        at[d] = shifted(at[d], -a.low[d]);
        if (a.low[d] || a.high[d]) guards.push_back({at[d], graph_[node.inputs[0]].shape[d], -1});
      }
      return guarded(node.inputs[0], at, guards, a.value, context);
    }
    case Prim::concat: return read_concat(node, point, context);
    case Prim::gather: {
      Point at(graph_[node.inputs[0]].shape.size());
      std::copy(point.begin(), point.end(), at.begin() + 1);
      if (graph_[node.inputs[1]].prim == Prim::time) {
        at[0] = current_time;
        return load(node.inputs[0], at, context);
      }
      int32_t row = read(node.inputs[1], {}, context);
      return load(node.inputs[0], at, context, row);
    }
    case Prim::time: return add({.kind = Scalar::Kind::coordinate, .dtype = DType::i32, .index = current_time});
    case Prim::last: {
      const NodeId whole = source_.kept_in(node.inputs[0]);
      if (whole == no_node) return read(node.inputs[0], point, context);
      const Loop& loop = graph_.loops[static_cast<size_t>(a.loop)];
      return load(whole, in_slice({{}, loop.reversed ? 0 : loop.extent - 1}, point), context);
    }
    case Prim::window: return read_window(node, point, context);
    case Prim::contract:
      check(source_.is_merged(id_of_node), "contraction %{} is read without a nest of its own", id_of_node);
      return read_product(node, point, context);
    case Prim::unwindow:
    case Prim::reduce:
    case Prim::carry:
    case Prim::collect: break;
  }
  throw InternalError(fmt::format("internal error: sum %{} is read without a nest of its own", id_of_node));
}

}  // namespace shoal::plan
