// Shape, element type and variation of a node: the one place that says which operands a primitive takes.
#include <algorithm>
#include <cmath>
#include <utility>

#include "compiler/graph/graph.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

// Unit indices are 32-bit signed numbers in kernels, so no value may have more elements; ranks that high are mistakes.
constexpr int64_t max_elements = (int64_t{1} << 31) - 1;
constexpr size_t max_rank = 16;

class Derivation {
 public:
  Derivation(const Graph& graph, const Node& node) : graph_(graph), node_(node), attrs_(node.attrs) {}

  Derived run() {
    const int arity = prim_arity(node_.prim);
    if (arity >= 0 && node_.inputs.size() != static_cast<size_t>(arity))
      fail(fmt::format("expected {} operand{}, got {}", arity, arity == 1 ? "" : "s", node_.inputs.size()));
    for (NodeId id : node_.inputs) {
      if (id >= graph_.nodes.size()) fail("an operand does not exist (yet)");
      result_.varies = result_.varies | graph_[id].varies;
    }
    rules();
    // A scalar's shape is that of an operand, which was checked.
    if (prim_kind(node_.prim) != PrimKind::scalar) check_shape(result_.shape, "the result");
    return std::move(result_);
  }

 private:
  const Graph& graph_;
  const Node& node_;
  const Attrs& attrs_;
  Derived result_;

  [[noreturn]] void fail(const std::string& problem) const {
    std::string operands;
    for (NodeId id : node_.inputs) {
      if (id >= graph_.nodes.size()) continue;
      operands +=
          (operands.empty() ? "" : ", ") + std::string(dtype_name(graph_[id].dtype)) + shape_text(graph_[id].shape);
    }
    throw SpecError("graph", fmt::format("{}({}): {}", prim_name(node_.prim), operands, problem));
  }
  void require(bool condition, std::string_view problem) const {
    if (!condition) fail(std::string(problem));
  }

  const Node& in(size_t i) const { return graph_[node_.inputs[i]]; }

  void check_shape(const Shape& shape, std::string_view what) const {
    if (shape.size() > max_rank) fail(fmt::format("{} has more than {} dimensions", what, max_rank));
    int64_t count = 1;
    for (int64_t extent : shape) {
      if (extent < 1) fail(fmt::format("{} has shape {}: extents must be positive", what, shape_text(shape)));
      if (extent > max_elements / count)
        fail(fmt::format("{} has shape {}: too many elements", what, shape_text(shape)));
      count *= extent;
    }
  }

  // Checks that `list` holds distinct dimensions of a value of the given rank.
  void check_dims(const std::vector<int64_t>& list, size_t rank, std::string_view what) const {
    std::vector<bool> seen(rank, false);
    for (int64_t d : list) {
      if (d < 0 || d >= static_cast<int64_t>(rank)) fail(fmt::format("{} names dimension {} of {}", what, d, rank));
      if (seen[d]) fail(fmt::format("{} names dimension {} twice", what, d));
      seen[d] = true;
    }
  }

  void check_extents(const std::vector<int64_t>& list, size_t size, int64_t least, std::string_view what) const {
    if (list.size() != size) fail(fmt::format("{} needs {} numbers, got {}", what, size, list.size()));
    for (int64_t x : list)
      if (x < least || x > max_elements) fail(fmt::format("{} has the bad number {}", what, x));
  }

  void require_computable(DType dtype) const {
    require(dtype == value_dtype(dtype), "f16 and bf16 are how inputs are stored; values are f32, i32 or bool");
  }

  void check_value(DType dtype) const {
    const double v = attrs_.value;
    require_computable(dtype);
    if (dtype == DType::boolean) require(v == 0 || v == 1, "a bool is 0 or 1");
    if (dtype == DType::i32)
      require(v == std::floor(v) && v >= -2147483648.0 && v <= 2147483647.0, "an i32 is a whole number of 32 bits");
  }

  // Element by element: every operand has the same unit shape, or rank 0.
  void elementwise() {
    for (NodeId id : node_.inputs) {
      const SharedList& shape = graph_[id].shape;
      if (shape.empty()) continue;
      if (result_.shape.empty()) result_.shape = shape;
      require(result_.shape == shape, "operands must have equal shapes, or rank 0");
    }
  }
  bool same_dtype() const {
    for (NodeId id : node_.inputs)
      if (graph_[id].dtype != in(0).dtype) return false;
    return true;
  }
  void number() {
    elementwise();
    require(same_dtype() && in(0).dtype != DType::boolean, "operands must both be f32 or both i32");
    result_.dtype = in(0).dtype;
  }
  void all_of(DType dtype) {
    elementwise();
    for (NodeId id : node_.inputs)
      if (graph_[id].dtype != dtype) fail(fmt::format("operands must be {}", dtype_name(dtype)));
    result_.dtype = dtype;
  }
  void comparison() {
    number();
    result_.dtype = DType::boolean;
  }

  void rules() {
    switch (node_.prim) {
      case Prim::input:
        require(!attrs_.name.empty(), "an input needs a name");
        result_.shape = attrs_.shape;
        result_.dtype = value_dtype(attrs_.dtype);
        result_.varies = attrs_.varies;
        return;
      case Prim::constant:
        check_value(attrs_.dtype);
        result_.dtype = attrs_.dtype;
        return;
      case Prim::index:
        require(attrs_.dim >= 0 && attrs_.dim < static_cast<int64_t>(attrs_.shape.size()),
                "dim is no dimension of shape");
        result_.shape = attrs_.shape;
        result_.dtype = DType::i32;
        return;
      case Prim::position:
        result_.dtype = DType::i32;
        result_.varies.sample = true;
        return;
      case Prim::step: result_.dtype = DType::i32; return;
      case Prim::add:
      case Prim::sub:
      case Prim::mul:
      case Prim::div:
      case Prim::max:
      case Prim::min: return number();
      case Prim::rem: return all_of(DType::i32);
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
      case Prim::cos: return all_of(DType::f32);
      case Prim::lt:
      case Prim::le:
      case Prim::eq: return comparison();
      case Prim::logical_and:
      case Prim::logical_or:
      case Prim::logical_not: return all_of(DType::boolean);
      case Prim::select:
        elementwise();
        require(in(0).dtype == DType::boolean, "the condition must be bool");
        require(in(1).dtype == in(2).dtype, "both choices must have one type");
        result_.dtype = in(1).dtype;
        return;
      case Prim::cast:
        require_computable(attrs_.dtype);
        elementwise();
        result_.dtype = attrs_.dtype;
        return;
      case Prim::stop_gradient:
        elementwise();
        result_.dtype = in(0).dtype;
        return;
      case Prim::shuffle:
        require(attrs_.n >= 1 && attrs_.n <= (int64_t{1} << 31) - (1 << 16), "n must be between 1 and 2^31 - 2^16");
        return all_of(DType::i32);
      case Prim::broadcast: return broadcast();
      case Prim::reshape: return reshape();
      case Prim::transpose: return transpose();
      case Prim::slice: return slice();
      case Prim::pad: return pad();
      case Prim::concat: return concat();
      case Prim::gather: return gather();
      case Prim::window: return window();
      case Prim::unwindow: return unwindow();
      case Prim::reduce: return reduce();
      case Prim::contract: return contract();
      case Prim::time:
        require_loop();
        result_.dtype = DType::i32;
        return;
      case Prim::carry:
        require_loop();
        require(attrs_.varies.covers(in(0).varies), "the initial value varies over more than varies says");
        result_.shape = in(0).shape;
        result_.dtype = in(0).dtype;
        result_.varies = attrs_.varies;
        return;
      case Prim::last:
        require_loop();
        result_.shape = in(0).shape;
        result_.dtype = in(0).dtype;
        return;
      case Prim::collect:
        require_loop();
        result_.shape = collected(in(0).shape, graph_.loops[attrs_.loop].extent);
        result_.dtype = in(0).dtype;
        return;
    }
  }

  static Shape collected(Shape shape, int64_t iterations) {
    shape.insert(shape.begin(), iterations);
    return shape;
  }

  void require_loop() const {
    if (attrs_.loop < 0 || attrs_.loop >= std::ssize(graph_.loops))
      fail(fmt::format("there is no loop {}", attrs_.loop));
  }

  void broadcast() {
    check_shape(attrs_.shape, "shape");
    if (attrs_.dims.size() != in(0).shape.size()) fail("dims needs one number for each dimension of the operand");
    check_dims(attrs_.dims, attrs_.shape.size(), "dims");
    for (size_t d = 0; d < attrs_.dims.size(); ++d)
      if (attrs_.shape[attrs_.dims[d]] != in(0).shape[d])
        fail(fmt::format("dimension {} does not fit dimension {} of {}", d, attrs_.dims[d], shape_text(attrs_.shape)));
    result_.shape = attrs_.shape;
    result_.dtype = in(0).dtype;
  }

  void reshape() {
    check_shape(attrs_.shape, "shape");
    if (element_count(attrs_.shape) != element_count(in(0).shape))
      fail(fmt::format("{} has another number of elements", shape_text(attrs_.shape)));
    result_.shape = attrs_.shape;
    result_.dtype = in(0).dtype;
  }

  void transpose() {
    const Shape& from = in(0).shape;
    check_dims(attrs_.dims, from.size(), "dims");
    require(attrs_.dims.size() == from.size(), "dims needs one number for each dimension");
    Shape to;
    for (int64_t d : attrs_.dims) to.push_back(from[d]);
    result_.shape = std::move(to);
    result_.dtype = in(0).dtype;
  }

  void slice() {
    const Shape& from = in(0).shape;
    check_extents(attrs_.low, from.size(), 0, "low");
    check_extents(attrs_.shape, from.size(), 1, "shape");
    for (size_t d = 0; d < from.size(); ++d)
      if (attrs_.low[d] + attrs_.shape[d] > from[d])
        fail(fmt::format("dimension {}: {} from {} is beyond {}", d, attrs_.shape[d], attrs_.low[d], from[d]));
    result_.shape = attrs_.shape;
    result_.dtype = in(0).dtype;
  }

  void pad() {
    const Shape& from = in(0).shape;
    check_extents(attrs_.low, from.size(), 0, "low");
    check_extents(attrs_.high, from.size(), 0, "high");
    check_value(in(0).dtype);
    Shape to = from;
    for (size_t d = 0; d < from.size(); ++d) to[d] += attrs_.low[d] + attrs_.high[d];
    result_.shape = std::move(to);
    result_.dtype = in(0).dtype;
  }

  void concat() {
    require(!node_.inputs.empty(), "expected at least one operand");
    const auto dim = static_cast<size_t>(attrs_.dim);
    Shape shape = in(0).shape;
    if (attrs_.dim < 0 || dim >= shape.size()) fail(fmt::format("dim {} is no dimension of the operands", attrs_.dim));
    require(same_dtype(), "operands must have one type");
    for (size_t i = 1; i < node_.inputs.size(); ++i) {
      Shape other = in(i).shape;
      require(other.size() == shape.size(), "operands must have the same rank");
      shape[dim] += other[dim];
      other[dim] = shape[dim];
      if (other != shape) fail(fmt::format("operands may differ in dimension {} only", dim));
    }
    result_.shape = std::move(shape);
    result_.dtype = in(0).dtype;
  }

  void gather() {
    require(!in(0).shape.empty(), "the table needs at least one dimension");
    require(in(1).shape.empty() && in(1).dtype == DType::i32, "the index must be an i32 of rank 0");
    // A row of each sample's own table, chosen by each sample, is more than an index map with one gathered coordinate.
    require(!in(0).varies.sample || in(1).varies == Varies{},
            "a table that varies over sample needs an index that varies over nothing");
    result_.shape = Shape(in(0).shape.begin() + 1, in(0).shape.end());
    result_.dtype = in(0).dtype;
  }

  // The shape that window gives a value of shape `from`.
  Shape window_shape(const Shape& from) const {
    const size_t count = attrs_.dims.size();
    check_dims(attrs_.dims, from.size(), "dims");
    check_extents(attrs_.kernel, count, 1, "kernel");
    check_extents(attrs_.stride, count, 1, "stride");
    check_extents(attrs_.low, count, 0, "low");
    check_extents(attrs_.high, count, 0, "high");
    Shape shape = from;
    for (size_t i = 0; i < count; ++i) {
      int64_t& extent = shape[attrs_.dims[i]];
      const int64_t room = extent + attrs_.low[i] + attrs_.high[i] - attrs_.kernel[i];
      if (room < 0) fail(fmt::format("a kernel of {} is longer than dimension {}", attrs_.kernel[i], attrs_.dims[i]));
      extent = room / attrs_.stride[i] + 1;
    }
    shape.insert(shape.end(), attrs_.kernel.begin(), attrs_.kernel.end());
    return shape;
  }

  void window() {
    check_value(in(0).dtype);
    result_.shape = window_shape(in(0).shape);
    result_.dtype = in(0).dtype;
  }

  void unwindow() {
    require(in(0).dtype == DType::f32, "the operand must be f32");
    check_shape(attrs_.shape, "shape");
    const Shape expected = window_shape(attrs_.shape);
    if (expected != in(0).shape)
      fail(fmt::format("windows of {} have shape {}", shape_text(attrs_.shape), shape_text(expected)));
    result_.shape = attrs_.shape;
    result_.dtype = DType::f32;
  }

  void reduce() {
    require(in(0).dtype != DType::boolean, "the operand must be f32 or i32");
    check_dims(attrs_.dims, in(0).shape.size(), "dims");
    require(attrs_.over_sample || !attrs_.dims.empty(), "nothing to reduce over");
    require(!attrs_.over_sample || in(0).varies.sample, "over_sample needs an operand that varies over sample");
    Shape kept;
    for (size_t d = 0; d < in(0).shape.size(); ++d)
      if (std::ranges::find(attrs_.dims, static_cast<int64_t>(d)) == attrs_.dims.end()) kept.push_back(in(0).shape[d]);
    result_.shape = std::move(kept);
    result_.dtype = in(0).dtype;
    if (attrs_.over_sample) result_.varies.sample = false;
  }

  void contract() {
    require(in(0).dtype == DType::f32 && in(1).dtype == DType::f32, "operands must be f32");
    require(!attrs_.over_sample || result_.varies.sample, "over_sample needs an operand that varies over sample");
    const std::string &a = attrs_.a, &b = attrs_.b, &out = attrs_.out;
    check_letters(a, "a");
    check_letters(b, "b");
    check_letters(out, "out");
    if (a.size() != in(0).shape.size()) fail(fmt::format("a=\"{}\" needs one letter a dimension", a));
    if (b.size() != in(1).shape.size()) fail(fmt::format("b=\"{}\" needs one letter a dimension", b));
    for (size_t i = 0; i < a.size(); ++i) {
      const size_t j = b.find(a[i]);
      if (j != std::string::npos && in(0).shape[i] != in(1).shape[j])
        fail(fmt::format("letter '{}' is {} in a and {} in b", a[i], in(0).shape[i], in(1).shape[j]));
    }
    Shape shape;
    for (char letter : out) {
      const size_t i = a.find(letter), j = b.find(letter);
      if (i == std::string::npos && j == std::string::npos) fail(fmt::format("letter '{}' of out is unknown", letter));
      shape.push_back(i != std::string::npos ? in(0).shape[i] : in(1).shape[j]);
    }
    result_.shape = std::move(shape);
    result_.dtype = DType::f32;
    if (attrs_.over_sample) result_.varies.sample = false;
  }

  void check_letters(const std::string& letters, std::string_view what) const {
    for (size_t i = 0; i < letters.size(); ++i) {
      const char c = letters[i];
      if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) fail(fmt::format("{} may hold letters only", what));
      if (letters.find(c, i + 1) != std::string::npos) fail(fmt::format("{} has the letter '{}' twice", what, c));
    }
  }
};

}  // namespace

Derived derived(const Graph& graph, const Node& node) { return Derivation(graph, node).run(); }

void derive(const Graph& graph, Node& node) {
  Derived now = derived(graph, node);
  node.shape = std::move(now.shape);
  node.dtype = now.dtype;
  node.varies = now.varies;
}

}  // namespace shoal
