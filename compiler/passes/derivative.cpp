// The derivative of one primitive with respect to one operand: one exhaustive switch.
#include "compiler/passes/derivative.h"

#include <algorithm>
#include <numbers>
#include <numeric>

#include "compiler/passes/derivative_sums.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

// A node whose derivative is being taken, copied because adding nodes moves the arena.
class Rule {
 public:
  Rule(Scope& scope, const Node& node, Value result, size_t operand, Value g)
      : scope_(scope), node_(node), operand_(operand), g_(g), y_(result), sums_(scope, node, operand) {}

  std::optional<Value> run() {
    switch (node_.prim) {
      case Prim::add: return sums_.sum(g_);
      case Prim::sub: return operand_ == 0 ? sums_.sum(g_) : -sums_.sum(g_);
      case Prim::mul: return sums_.sum_product(g_, in(1 - operand_));
      case Prim::div:
        if (operand_ == 0) return sums_.sum_product(g_, 1.0 / in(1));
        return -sums_.sum_product(g_, y_ / in(1));
      case Prim::max: return extremum(in(1 - operand_), in(operand_), in(1 - operand_) < y_);
      case Prim::min: return extremum(in(operand_), in(1 - operand_), y_ < in(1 - operand_));
      case Prim::neg: return -g_;
      case Prim::abs: return g_ * select(in(0) < number(0), number(-1), select(number(0) < in(0), number(1), 0.0));
      case Prim::sqrt: return g_ / (y_ * 2.0);
      case Prim::exp: return g_ * y_;
      case Prim::log: return g_ / in(0);
      case Prim::tanh: return g_ * (1.0 - y_ * y_);
      case Prim::sigmoid: return g_ * (y_ - y_ * y_);  // a multiply-add, of one rounding, where kernels compute it
      case Prim::erf: return g_ * (exp(-(in(0) * in(0))) * (2.0 * std::numbers::inv_sqrtpi));
      case Prim::sin: return g_ * cos(in(0));
      case Prim::cos: return -(g_ * sin(in(0)));
      case Prim::select: return sums_.sum(operand_ == 1 ? select(in(0), g_, 0.0) : select(in(0), number(0), g_));
      case Prim::cast: return g_;
      case Prim::broadcast: return broadcast();
      case Prim::reshape: return uniform() ? g_ : reshape(g_, in(0).shape());
      case Prim::transpose: return transpose();
      case Prim::slice: return slice();
      case Prim::pad: return uniform() ? g_ : shoal::slice(g_, node_.attrs.low, in(0).shape());
      case Prim::concat: return concat();
      case Prim::gather: return gather();
      case Prim::window: return unwindow();
      case Prim::unwindow: return window();
      case Prim::reduce: return node_.attrs.reduction == Reduction::sum ? reduce_sum() : first_extremum();
      case Prim::contract: return sums_.contract(g_);
      case Prim::carry: return sums_.sum(g_);  // to the initial value, g being the carry's in the first iteration
      case Prim::input:
      case Prim::constant:
      case Prim::index:
      case Prim::position:
      case Prim::step:
      case Prim::rem:
      case Prim::floor:
      case Prim::lt:
      case Prim::le:
      case Prim::eq:
      case Prim::logical_and:
      case Prim::logical_or:
      case Prim::logical_not:
      case Prim::stop_gradient:
      case Prim::shuffle:
      case Prim::time:
      case Prim::last:
      case Prim::collect: return std::nullopt;  // the gradient of a loop passes as that of a whole
    }
    return std::nullopt;
  }

 private:
  Scope& scope_;
  const Node node_;
  const size_t operand_;
  const Value g_;
  const Value y_;
  DerivativeSums sums_;

  Value in(size_t i) const { return {&scope_, node_.inputs[i]}; }
  Value number(double x) const { return scope_.constant(x); }
  bool uniform() const { return g_.shape().empty(); }
  Value full() const { return full_gradient(g_, node_.shape); }

  // max and min: the operand was chosen where `less < more`. Of equal operands neither is chosen if the other one is a
  // constant (relu is flat at 0, as PyTorch's), and else both share, as in torch.maximum. Against a constant the result
  // alone tells which was chosen, so that only the result need be kept for the backward pass.
  Value extremum(Value less, Value more, Value chosen_by_result) {
    const auto constant = [this](size_t i) { return scope_.graph()[node_.inputs[i]].prim == Prim::constant; };
    if (constant(0) || constant(1)) return sums_.sum(select(chosen_by_result, g_, 0.0));
    const Value chosen = less < more;
    return sums_.sum(select(chosen, g_, select(equal(less, more), g_ * 0.5, 0.0)));
  }

  Value broadcast() {
    const auto& dims = node_.attrs.dims;
    if (uniform()) return g_ * (static_cast<double>(element_count(node_.shape)) / element_count(in(0).shape()));
    std::vector<int64_t> repeated, order(dims.size());
    for (int64_t d = 0; d < std::ssize(node_.shape); ++d)
      if (std::ranges::find(dims, d) == dims.end()) repeated.push_back(d);
    // The sum leaves the dimensions in the order of the result; the operand's order is that of `dims`.
    for (size_t d = 0; d < dims.size(); ++d)
      order[d] = std::ranges::count_if(dims, [&](int64_t other) { return other < dims[d]; });
    return shoal::transpose(sum_dims(g_, repeated), order);
  }

  Value transpose() {
    if (uniform()) return g_;
    std::vector<int64_t> inverse(node_.attrs.dims.size());
    for (size_t d = 0; d < inverse.size(); ++d) inverse[node_.attrs.dims[d]] = static_cast<int64_t>(d);
    return shoal::transpose(g_, inverse);
  }

  Value slice() {
    std::vector<int64_t> high;
    for (size_t d = 0; d < node_.shape.size(); ++d)
      high.push_back(in(0).shape()[d] - node_.attrs.low[d] - node_.shape[d]);
    return pad(full(), node_.attrs.low, high);
  }

  Value concat() {
    Value part = g_;
    if (!uniform()) {
      std::vector<int64_t> low(node_.shape.size(), 0);
      for (size_t i = 0; i < operand_; ++i) low[node_.attrs.dim] += in(i).shape()[node_.attrs.dim];
      part = shoal::slice(g_, low, in(operand_).shape());
    }
    return sums_.sum(part);
  }

  // Row i of the table gets the gradient: a product with a one-hot vector, so that samples add up in one contraction.
  Value gather() {
    const Shape table = in(0).shape();
    const Value one_hot = cast(equal(scope_.index({table[0]}, 0), in(1)), DType::f32);
    const std::string rest = letters(node_.shape.size());
    const Value g = full();
    const std::string row = "Z";
    if (node_.varies.sample && !in(0).varies().sample && (one_hot.varies() | g.varies()).sample)
      return shoal::contract(one_hot, row, g, rest, row + rest, true);
    return shoal::contract(one_hot, row, g, rest, row + rest);
  }

  Value unwindow() {
    Attrs attrs = node_.attrs;
    attrs.value = 0;
    attrs.shape = in(0).shape();
    return scope_.add({.prim = Prim::unwindow, .inputs = {full().id}, .attrs = attrs});
  }

  Value window() {
    Attrs attrs = node_.attrs;
    attrs.shape = {};
    attrs.value = 0;
    return scope_.add({.prim = Prim::window, .inputs = {full().id}, .attrs = attrs});
  }

  std::vector<int64_t> kept_dims() const {
    std::vector<int64_t> kept;
    for (int64_t d = 0; d < std::ssize(in(0).shape()); ++d)
      if (std::ranges::find(node_.attrs.dims, d) == node_.attrs.dims.end()) kept.push_back(d);
    return kept;
  }

  // A value with the dimensions of the reduced result, repeated along the reduced dimensions.
  Value repeated(Value x) const {
    if (x.shape().empty()) return x;
    const std::vector<int64_t> kept = kept_dims();
    if (kept.size() == in(0).shape().size()) return x;
    return scope_.add({.prim = Prim::broadcast, .inputs = {x.id}, .attrs = {.shape = in(0).shape(), .dims = kept}});
  }

  Value reduce_sum() { return repeated(g_); }

  // reduce max and min: the gradient goes to the FIRST of equal extrema in row-major order, as in PyTorch's max_pool2d.
  Value first_extremum() {
    const Shape shape = in(0).shape();
    Value place = number(0);
    int64_t stride = 1;
    bool any = false;
    const auto along = [&](Value coordinate, int64_t extent) {
      const Value term = stride == 1 ? coordinate : coordinate * static_cast<double>(stride);
      place = any ? place + term : term;
      any = true;
      stride *= extent;
      if (stride >= (int64_t{1} << 31)) throw SpecError("graph", "gradient of a max over 2^31 elements or more");
    };
    for (int64_t d = std::ssize(shape) - 1; d >= 0; --d)
      if (std::ranges::find(node_.attrs.dims, d) != node_.attrs.dims.end()) along(scope_.index(shape, d), shape[d]);
    if (node_.attrs.over_sample) along(scope_.position(), scope_.graph().batch);
    constexpr double beyond = 2147483647.0;
    const Value candidates = select(equal(in(0), repeated(y_)), place, beyond);
    Attrs attrs = node_.attrs;
    attrs.reduction = Reduction::min;
    const Value first = scope_.add({.prim = Prim::reduce, .inputs = {candidates.id}, .attrs = attrs});
    return select(equal(place, repeated(first)), repeated(g_), 0.0);
  }
};

}  // namespace

bool passes_gradient(const Graph& graph, const Node& node, size_t operand) {
  if (node.prim == Prim::floor || node.prim == Prim::stop_gradient) return false;
  return node.dtype == DType::f32 && graph[node.inputs[operand]].dtype == DType::f32;
}

std::optional<Value> derivative(Scope& scope, const Node& node, Value result, size_t operand, Value g) {
  return Rule(scope, node, result, operand, g).run();
}

Value full_gradient(Value g, const Shape& shape) {
  if (g.shape() == shape) return g;
  return g.scope->add({.prim = Prim::broadcast, .inputs = {g.id}, .attrs = {.shape = shape}});
}

}  // namespace shoal
