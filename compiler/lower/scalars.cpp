// Evaluates a nest's body: loads, guards, and the primitives as kernel opcodes.
#include "compiler/lower/scalars.h"

#include <algorithm>
#include <limits>
#include <set>

#include "compiler/lower/decompose.h"
#include "compiler/support/error.h"

namespace shoal::lower {

using kernel::Op;
using plan::Scalar;

namespace {

void see(const plan::Nest& nest, const plan::Index& index, uint32_t* axes) {
  for (const plan::Term& term : index.terms) {
    if (term.axis == plan::time_axis) continue;  // the same for the whole nest
    if (term.axis < static_cast<int32_t>(nest.axes.size()))
      *axes |= 1u << term.axis;
    else
      see(nest, nest.quotients[term.axis - nest.axes.size()].numerator, axes);
  }
}

Functions functions(const plan::Plan& plan) {
  if (plan.access == 1) return Functions::accurate;
  return plan.fast_math ? Functions::gpu_fast : Functions::gpu;
}

}  // namespace

Scalars::Scalars(Context& context, const plan::Nest& nest)
    : context_(context),
      builder_(context.builder),
      nest_(nest),
      axes_(nest.body.size(), 0),
      uses_(nest.body.size(), 0),
      late_(nest.body.size(), false),
      limits_(nest.axes.size(), 0) {
  uint32_t parallel = 0, sample = 0;
  check(nest.axes.size() <= 32, "nest '{}' has {} axes", nest.name, nest.axes.size());
  for (size_t a = 0; a < nest.axes.size(); ++a) {
    if (!nest.axes[a].reduced) parallel |= 1u << a;
    if (nest.axes[a].sample) sample = 1u << a, sample_axis_ = static_cast<int>(a);
  }
  for (size_t i = 0; i < nest.body.size(); ++i) {
    const Scalar& s = nest.body[i];
    for (int32_t arg : s.args)
      if (arg >= 0) axes_[i] |= axes_[arg], ++uses_[arg], late_[i] = late_[i] || late_[arg];
    late_[i] = late_[i] || s.kind == Scalar::Kind::accumulator;
    for (const plan::Store& store : nest.stores)
      if (s.kind == Scalar::Kind::load && store.access.value == s.access.value) late_[i] = true;
    see(nest, s.index, &axes_[i]);
    for (const plan::Index& index : s.access.dims) see(nest, index, &axes_[i]);
    for (const plan::Guard& guard : s.guards) {
      see(nest, guard.index, &axes_[i]);
      if (guard.quotient >= 0) see(nest, nest.quotients[guard.quotient].numerator, &axes_[i]);
    }
    if (s.access.indirect >= 0) axes_[i] |= axes_[s.access.indirect], ++uses_[s.access.indirect];
    if (s.kind == Scalar::Kind::position) axes_[i] |= sample;
    if (s.kind == Scalar::Kind::load && context.plan.values[s.access.value].varies.sample) axes_[i] |= sample;
    if (s.kind == Scalar::Kind::accumulator) axes_[i] |= parallel;
  }
  for (const plan::Store& store : nest.stores) ++uses_[store.scalar];
  if (nest.reduced >= 0) ++uses_[nest.reduced];
}

std::vector<int64_t> Scalars::key(int32_t scalar, const Point& point) const {
  std::vector<int64_t> key{scalar};
  for (size_t a = 0; a < point.size(); ++a)
    if (axes_[scalar] >> a & 1) key.push_back(point[a].constant);
  return key;
}

int32_t Scalars::evaluate(int32_t scalar, const Point& point) {
  std::vector<int64_t> k = key(scalar, point);
  if (int32_t known = memo_.find(k); known >= 0) return known;
  int32_t value = compute(scalar, point);
  memo_.insert(k, value);
  return value;
}

void Scalars::set_accumulator(const Point& point, int32_t value) {
  const std::vector<int64_t> place = in_window(point);
  Point first = point;
  for (size_t a = 0; a < nest_.axes.size(); ++a)
    if (nest_.axes[a].window) first[a] = {};
  for (size_t i = 0; i < nest_.body.size(); ++i) {
    if (nest_.body[i].kind != Scalar::Kind::accumulator) continue;
    const std::vector<plan::Index>& named = nest_.body[i].access.dims;
    if (std::ranges::equal(named, place, {}, &plan::Index::offset))
      memo_.insert(key(static_cast<int32_t>(i), first), value);
  }
}

std::vector<int64_t> Scalars::in_window(const Point& point) const {
  std::vector<int64_t> place;
  for (size_t a = 0; a < nest_.axes.size(); ++a)
    if (nest_.axes[a].window) place.push_back(point[a].constant);
  return place;
}

void Scalars::set(int32_t scalar, const Point& point, int32_t value) { memo_.insert(key(scalar, point), value); }

int32_t Scalars::addition_to_accumulator() const {
  if (std::ranges::any_of(nest_.axes, &plan::Axis::window)) return -1;
  for (size_t i = 0; i < nest_.body.size(); ++i) {
    const Scalar& s = nest_.body[i];
    if (s.kind != Scalar::Kind::primitive || s.prim != Prim::add || s.dtype != DType::f32) continue;
    for (size_t n : {0u, 1u}) {
      const int32_t sum = s.args[n], other = s.args[1 - n];
      const bool is_sum = nest_.body[sum].kind == Scalar::Kind::accumulator && uses_[sum] == 1;
      if (is_sum && nest_.body[other].kind == Scalar::Kind::load && !late_[other]) return static_cast<int32_t>(i);
    }
  }
  return -1;
}

std::vector<int32_t> Scalars::addends(int32_t addition, const std::vector<Point>& points) {
  const auto& args = nest_.body[addition].args;
  const int32_t addend = args[nest_.body[args[0]].kind == Scalar::Kind::accumulator ? 1 : 0];
  std::vector<bool> needed(nest_.body.size(), false);
  needed[addend] = true;
  expect(needed, points);
  std::vector<int32_t> values;
  for (const Point& point : points) values.push_back(evaluate(addend, point));
  return values;
}

void Scalars::prepare(uint32_t known, const Point& point) {
  for (size_t i = 0; i < nest_.body.size(); ++i) {
    const Scalar& s = nest_.body[i];
    if (s.kind == Scalar::Kind::load && s.access.indirect < 0 && s.guards.empty() && nest_.quotients.empty())
      context_.prepare(s.access.value, sample_of(point), resolve_all(s.access, point));
    // A value that no axis changes is the same for the whole nest: a hyperparameter, a step size.
    if (axes_[i] == 0 && known == 0 && !late_[i] && (s.kind == Scalar::Kind::primitive || s.kind == Scalar::Kind::load))
      evaluate(static_cast<int32_t>(i), point);
  }
}

void Scalars::prepare_operand(const std::vector<Point>& points) {
  std::vector<bool> needed(nest_.body.size(), false);
  needed[nest_.reduced] = true;
  uint32_t reduced = 0;
  for (size_t a = 0; a < nest_.axes.size(); ++a)
    if (nest_.axes[a].reduced) reduced |= 1u << a;
  for (size_t i = nest_.body.size(); i-- > 0;) {
    const Scalar& s = nest_.body[i];
    if (!needed[i]) continue;
    bool worth = s.kind == Scalar::Kind::load || s.kind == Scalar::Kind::primitive || s.kind == Scalar::Kind::guarded;
    if (worth && !late_[i] && !(axes_[i] & reduced)) {
      for (const Point& point : points) evaluate(static_cast<int32_t>(i), point);
      continue;
    }
    for (int32_t arg : s.args)
      if (arg >= 0) needed[arg] = true;
    if (s.access.indirect >= 0) needed[s.access.indirect] = true;
  }
}

void Scalars::expect_operand(const std::vector<Point>& points) {
  std::vector<bool> needed(nest_.body.size(), false);
  needed[nest_.reduced] = true;
  expect(needed, points);
}

void Scalars::expect_value(int32_t scalar, const std::vector<Point>& points) {
  std::vector<bool> needed(nest_.body.size(), false);
  needed[scalar] = true;
  expect(needed, points);
}

void Scalars::expect_stored(const std::vector<Point>& points, const std::vector<size_t>& stores) {
  std::vector<bool> needed(nest_.body.size(), false);
  for (size_t i : stores) needed[nest_.stores[i].scalar] = true;
  expect(needed, points);
}

void Scalars::expect(std::vector<bool> needed, const std::vector<Point>& points) {
  if (context_.plan.access == 1) return;
  for (size_t i = nest_.body.size(); i-- > 0;) {
    const Scalar& s = nest_.body[i];
    if (!needed[i] || memo_.find(key(static_cast<int32_t>(i), points[0])) >= 0) continue;
    for (int32_t arg : s.args)
      if (arg >= 0) needed[arg] = true;
    if (s.kind != Scalar::Kind::load || !s.guards.empty()) continue;
    std::set<std::vector<int64_t>> seen;
    for (const Point& point : points) {
      if (!seen.insert(key(static_cast<int32_t>(i), point)).second) continue;
      if (within_limits(static_cast<int32_t>(i), point) != certain) continue;
      std::vector<Linear> dims = resolve_all(s.access, point);
      if (s.access.indirect >= 0) {
        dims[0] = chosen(evaluate(s.access.indirect, point));
      }
      context_.expect(s.access.value, sample_of(point), dims);
    }
  }
}

Linear Scalars::resolve(const plan::Index& index, const Point& point) {
  Linear result;
  result.constant = index.offset;
  for (const plan::Term& term : index.terms) {
    if (term.axis == plan::time_axis) {
      result.add(context_.time, term.factor);
      continue;
    }
    if (term.axis < static_cast<int32_t>(point.size())) {
      result.add(point[term.axis], term.factor);
      continue;
    }
    const plan::Quotient& q = nest_.quotients[term.axis - nest_.axes.size()];
    Linear numerator = resolve(q.numerator, point);
    if (context_.addresses.terms_divide_by(numerator, q.divisor)) {
      result.add(context_.addresses.divided(numerator, q.divisor), term.factor);
      continue;
    }
    int32_t value = context_.addresses.value(numerator);
    result.add(builder_.emit(Op::div, value, builder_.constant_i32(q.divisor)), term.factor);
  }
  return result;
}

std::vector<Linear> Scalars::resolve_all(const plan::Access& access, const Point& point) {
  std::vector<Linear> dims;
  for (const plan::Index& index : access.dims) dims.push_back(resolve(index, point));
  return dims;
}

// An index that a scalar of the body has chosen.
Linear Scalars::chosen(int32_t value) const {
  const kernel::Instruction& in = builder_.kernel().code[value];
  Linear index;
  if (in.op == Op::constant)
    index.constant = in.imm;
  else
    index.add(value, 1);
  return index;
}

Linear Scalars::sample_of(const Point& point) const { return sample_axis_ >= 0 ? point[sample_axis_] : Linear{}; }

// Predicate that all guards hold, or one of the two certainties.
int32_t Scalars::holds(const std::vector<plan::Guard>& guards, const Point& point) {
  int32_t pred = certain;
  for (const plan::Guard& guard : guards) {
    int32_t p = guard.quotient >= 0 ? quotient_holds(nest_.quotients[guard.quotient], point)
                                    : within(resolve(guard.index, point), guard.extent);
    if (p == impossible) return impossible;
    pred = both(pred, p);
  }
  return pred;
}

// Predicate that 0 <= index < extent, or a certainty.
int32_t Scalars::within(const Linear& index, int64_t extent) {
  Range range = range_of(builder_.kernel(), index);
  if (range.high < 0 || range.low >= extent) return impossible;
  int32_t pred = certain;
  if (range.low < 0) pred = builder_.emit(Op::le, builder_.constant_i32(0), context_.addresses.value(index));
  if (range.high >= extent)
    pred = both(pred, builder_.emit(Op::lt, context_.addresses.value(index), builder_.constant_i32(extent)));
  return pred;
}

int32_t Scalars::within_limit(size_t axis, const Point& point) {
  return limits_[axis] == 0 ? certain : within(point[axis], limits_[axis]);
}

int32_t Scalars::within_limits(int32_t scalar, const Point& point) {
  int32_t pred = certain;
  for (size_t a = 0; a < limits_.size(); ++a) {
    if (!(axes_[scalar] >> a & 1)) continue;
    int32_t p = within_limit(a, point);
    if (p == impossible) return impossible;
    pred = both(pred, p);
  }
  return pred;
}

int32_t Scalars::both(int32_t a, int32_t b) {
  if (a == impossible || b == impossible) return impossible;
  if (a == certain || b == certain) return a == certain ? b : a;
  return builder_.emit(Op::band, a, b);
}

int32_t Scalars::quotient_holds(const plan::Quotient& q, const Point& point) {
  Linear numerator = resolve(q.numerator, point);
  if (context_.addresses.terms_divide_by(numerator, q.divisor))
    return numerator.constant % q.divisor ? impossible : within(numerator, q.extent * q.divisor);
  // A negative numerator is a large unsigned one, so its quotient fails the upper bound.
  int32_t value = context_.addresses.value(numerator), divisor = builder_.constant_i32(q.divisor);
  int32_t whole = builder_.emit(Op::eq, builder_.emit(Op::rem, value, divisor), builder_.constant_i32(0));
  return both(whole, builder_.emit(Op::lt, builder_.emit(Op::div, value, divisor), builder_.constant_i32(q.extent)));
}

int32_t Scalars::constant(DType dtype, double value) {
  switch (dtype) {
    case DType::f32: return builder_.constant(static_cast<float>(value));
    case DType::i32: return builder_.constant_i32(static_cast<int64_t>(value));
    case DType::boolean: return builder_.constant_pred(value != 0);
    case DType::f16:
    case DType::bf16: break;  // no value is of such a type
  }
  return -1;
}

Context::Element Scalars::element(const plan::Store& store, const Point& point, int32_t scalar) {
  return {store.access.value, sample_of(point), resolve_all(store.access, point), scalar};
}

int32_t Scalars::load_stored(const plan::Store& store, const Point& point) {
  return context_.load(store.access.value, sample_of(point), resolve_all(store.access, point), -1);
}

int32_t Scalars::under_guards(int32_t scalar, double identity, const Point& point) {
  while (nest_.body[scalar].kind == Scalar::Kind::guarded && nest_.body[scalar].value == identity) {
    int32_t valid = holds(nest_.body[scalar].guards, point);
    if (valid == impossible) return -1;
    if (valid != certain) break;
    scalar = nest_.body[scalar].args[0];
  }
  return scalar;
}

bool Scalars::is_product(int32_t scalar) const {
  const Scalar& s = nest_.body[scalar];
  return s.kind == Scalar::Kind::primitive && s.prim == Prim::mul && s.dtype == DType::f32 && uses_[scalar] == 1;
}

int32_t Scalars::compute(int32_t id, const Point& point) {
  const Scalar& s = nest_.body[id];
  switch (s.kind) {
    case Scalar::Kind::constant: return constant(s.dtype, s.value);
    case Scalar::Kind::coordinate: return context_.addresses.value(resolve(s.index, point));
    case Scalar::Kind::position: {
      Linear position = sample_of(point);
      position.add(context_.chunk.base, 1);
      return context_.addresses.value(position);
    }
    case Scalar::Kind::step: return context_.step;
    case Scalar::Kind::load: {
      int32_t valid = holds(s.guards, point), in_limits = within_limits(id, point);
      if (valid == impossible || in_limits == impossible) return constant(s.dtype, s.value);
      valid = both(valid, in_limits);
      std::vector<Linear> dims = resolve_all(s.access, point);
      if (s.access.indirect >= 0) {
        dims[0] = chosen(evaluate(s.access.indirect, point));
      }
      int32_t value = context_.load(s.access.value, sample_of(point), dims, valid);
      return valid == certain ? value : builder_.emit(Op::select, valid, value, constant(s.dtype, s.value));
    }
    case Scalar::Kind::guarded: {
      int32_t valid = holds(s.guards, point);
      if (valid == impossible) return constant(s.dtype, s.value);
      int32_t value = evaluate(s.args[0], point);
      return valid == certain ? value : builder_.emit(Op::select, valid, value, constant(s.dtype, s.value));
    }
    case Scalar::Kind::primitive: return primitive(s, point);
    case Scalar::Kind::accumulator: break;
  }
  throw InternalError(fmt::format("internal error: nest '{}' reads its accumulator before it is known", nest_.name));
}

// a * b + c, c - a * b and a * b - c in one rounding, when the product has no other use; else -1.
int32_t Scalars::fused(const Scalar& s, const Point& point) {
  if (s.dtype != DType::f32 || (s.prim != Prim::add && s.prim != Prim::sub)) return -1;
  bool second = is_product(s.args[1]);
  if (!second && !is_product(s.args[0])) return -1;
  const Scalar& product = nest_.body[s.args[second ? 1 : 0]];
  int32_t a = evaluate(product.args[0], point), b = evaluate(product.args[1], point);
  int32_t c = evaluate(s.args[second ? 0 : 1], point);
  if (s.prim == Prim::sub) {
    if (second)
      a = builder_.emit(Op::neg, a);
    else
      c = builder_.emit(Op::neg, c);
  }
  return builder_.emit(Op::fma, a, b, c);
}

int32_t Scalars::primitive(const Scalar& s, const Point& point) {
  if (int32_t value = fused(s, point); value >= 0) return value;
  int32_t x[3] = {-1, -1, -1};
  for (size_t k = 0; k < 3; ++k)
    if (s.args[k] >= 0) x[k] = evaluate(s.args[k], point);
  DType from = nest_.body[s.args[0]].dtype;
  switch (s.prim) {
    case Prim::add: return builder_.emit(Op::add, x[0], x[1]);
    case Prim::sub: return builder_.emit(Op::sub, x[0], x[1]);
    case Prim::mul: return builder_.emit(Op::mul, x[0], x[1]);
    case Prim::div: return builder_.emit(Op::div, x[0], x[1]);
    case Prim::rem: return builder_.emit(Op::rem, x[0], x[1]);
    case Prim::max: return builder_.emit(Op::max, x[0], x[1]);
    case Prim::min: return builder_.emit(Op::min, x[0], x[1]);
    case Prim::neg:
      return from == DType::f32 ? builder_.emit(Op::neg, x[0]) : builder_.emit(Op::sub, builder_.constant_i32(0), x[0]);
    case Prim::abs:
      return from == DType::f32 ? builder_.emit(Op::abs, x[0])
                                : builder_.emit(Op::max, x[0], builder_.emit(Op::sub, builder_.constant_i32(0), x[0]));
    case Prim::floor: return builder_.emit(Op::floor, x[0]);
    case Prim::sqrt: return builder_.emit(Op::sqrt, x[0]);
    case Prim::exp:
    case Prim::log:
    case Prim::tanh:
    case Prim::sigmoid:
    case Prim::erf:
    case Prim::sin:
    case Prim::cos:
    case Prim::shuffle: return decompose(builder_, s.prim, x, s.n, functions(context_.plan));
    case Prim::lt: return builder_.emit(Op::lt, x[0], x[1]);
    case Prim::le: return builder_.emit(Op::le, x[0], x[1]);
    case Prim::eq: return builder_.emit(Op::eq, x[0], x[1]);
    case Prim::logical_and: return builder_.emit(Op::band, x[0], x[1]);
    case Prim::logical_or: return builder_.emit(Op::bor, x[0], x[1]);
    case Prim::logical_not: return builder_.emit(Op::bxor, x[0], builder_.constant_pred(true));
    case Prim::select: return builder_.emit(Op::select, x[0], x[1], x[2]);
    case Prim::cast:
      if (from == s.dtype) return x[0];
      if (s.dtype == DType::f32) return builder_.emit(Op::to_f32, x[0]);
      if (s.dtype == DType::i32) return builder_.emit(Op::to_i32, x[0]);
      return from == DType::f32 ? builder_.emit(Op::bxor, builder_.emit(Op::eq, x[0], builder_.constant(0)),
                                                builder_.constant_pred(true))
                                : builder_.emit(Op::bxor, builder_.emit(Op::eq, x[0], builder_.constant_i32(0)),
                                                builder_.constant_pred(true));
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
    case Prim::pad:
    case Prim::concat:
    case Prim::gather:
    case Prim::window:
    case Prim::unwindow:
    case Prim::reduce:
    case Prim::contract:
    case Prim::time:
    case Prim::carry:
    case Prim::last:
    case Prim::collect: break;
  }
  throw InternalError(
      fmt::format("internal error: primitive {} in the body of nest '{}'", prim_name(s.prim), nest_.name));
}

}  // namespace shoal::lower
