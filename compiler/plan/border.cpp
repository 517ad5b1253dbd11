// CPU: windows that reach beyond the ends of what they are moved over read a copy that has a border of the fill value
// there, in the place of deciding element by element whether to read.
//
// Runs before bind, which then sees plain indices. A strided window that is read backwards (the gradient of its input)
// reads quotients: with a border these are always within their extent, and only the rest of the division is left to be
// decided, which lowering knows where a tile holds all phases.
#include <fmt/format.h>

#include <algorithm>
#include <compare>
#include <map>

#include "compiler/plan/plan.h"

namespace shoal::plan {
namespace {

// So many reads of an element, each decided at run time, cost more than to copy it once.
constexpr double least_reads = 3;

// Elements put before and after each dimension, and their value.
struct Border {
  int32_t value = -1;
  std::vector<int64_t> low, high;
  double fill = 0;
  auto operator<=>(const Border&) const = default;
};

int64_t floor_div(int64_t a, int64_t b) { return (a - (a % b + b) % b) / b; }

class BorderMaker {
 public:
  explicit BorderMaker(Plan& plan) : plan_(plan) {}

  void run() {
    for (size_t n = 0; n < plan_.nests.size(); ++n)
      if (plan_.nests[n].reduced >= 0 && plan_.nests[n].loop < 0) give(n);
  }

 private:
  struct Range {
    int64_t low, high;
  };

  Range range(const Nest& nest, const Index& index) const {
    Range r{index.offset, index.offset};
    for (const Term& t : index.terms) {
      const auto axes = static_cast<int32_t>(nest.axes.size());
      Range of{0, 0};
      if (t.axis < axes) {
        of.high = nest.axes[t.axis].extent - 1;
      } else {
        const Quotient& q = nest.quotients[t.axis - axes];
        const Range whole = range(nest, q.numerator);
        of = {-floor_div(-whole.low, q.divisor), floor_div(whole.high, q.divisor)};
      }
      (t.factor < 0 ? r.low : r.high) += t.factor * of.high;
      (t.factor < 0 ? r.high : r.low) += t.factor * of.low;
    }
    return r;
  }

  static bool is_quotient(const Nest& nest, const Index& index, int32_t q) {
    return index.offset == 0 && index.terms.size() == 1 && index.terms[0].factor == 1 &&
           index.terms[0].axis == static_cast<int32_t>(nest.axes.size()) + q;
  }

  // The dimension of an access whose index a guard bounds by the value's own extent, -1 for none.
  int bounded(const Nest& nest, const Scalar& load, const Guard& guard) const {
    const Shape& dims = plan_.values[load.access.value].dims;
    for (size_t d = 0; d < dims.size(); ++d) {
      const bool same = guard.quotient >= 0 ? is_quotient(nest, load.access.dims[d], guard.quotient) &&
                                                  nest.quotients[guard.quotient].extent == dims[d]
                                            : load.access.dims[d] == guard.index && guard.extent == dims[d];
      if (same) return static_cast<int>(d);
    }
    return -1;
  }

  // The border with which a load needs no guards, if that is what its guards are for.
  bool border_of(const Nest& nest, const Scalar& load, Border& border) const {
    if (load.kind != Scalar::Kind::load || load.guards.empty() || load.access.indirect >= 0) return false;
    const Value& value = plan_.values[load.access.value];
    if (value.row_major || load.dtype == DType::boolean) return false;
    border = {load.access.value, std::vector<int64_t>(value.dims.size()), std::vector<int64_t>(value.dims.size()),
              load.value};
    for (const Index& index : load.access.dims)
      for (const Term& t : index.terms)
        if (t.axis == time_axis) return false;
    for (const Guard& guard : load.guards) {
      const int d = bounded(nest, load, guard);
      if (d < 0) return false;
      const Range r = range(nest, load.access.dims[d]);
      border.low[d] = std::max<int64_t>(0, -r.low);
      border.high[d] = std::max<int64_t>(0, r.high - (value.dims[d] - 1));
    }
    return worth(nest, border);
  }

  bool worth(const Nest& nest, const Border& border) const {
    double reads = 1, elements = 1;
    for (const Axis& axis : nest.axes) reads *= static_cast<double>(axis.extent);
    for (const Quotient& q : nest.quotients) reads /= static_cast<double>(q.divisor);
    const Value& value = plan_.values[border.value];
    if (value.varies.sample) elements *= static_cast<double>(plan_.batch);
    for (size_t d = 0; d < value.dims.size(); ++d)
      elements *= static_cast<double>(value.dims[d] + border.low[d] + border.high[d]);
    return reads >= least_reads * elements;
  }

  // Whether a scalar is zero wherever one of the guards fails, as what it is computed from has a border of zeros.
  bool zero_outside(const Nest& nest, int32_t scalar, const std::vector<bool>& bordered,
                    const std::vector<Guard>& guards) const {
    const Scalar& s = nest.body[scalar];
    const auto zero = [&](int32_t arg) { return zero_outside(nest, arg, bordered, guards); };
    if (s.kind == Scalar::Kind::constant) return s.value == 0;
    if (s.kind == Scalar::Kind::load)
      return bordered[scalar] && s.value == 0 && std::ranges::all_of(guards, [&](const Guard& guard) {
               return std::ranges::find(s.guards, guard) != s.guards.end();
             });
    if (s.kind != Scalar::Kind::primitive || s.dtype != DType::f32) return false;
    if (s.prim == Prim::mul) return zero(s.args[0]) || zero(s.args[1]);
    if (s.prim == Prim::neg) return zero(s.args[0]);
    if (s.prim == Prim::add || s.prim == Prim::sub) return zero(s.args[0]) && zero(s.args[1]);
    return s.prim == Prim::select && zero(s.args[1]) && zero(s.args[2]);
  }

  void give(size_t n) {
    const Nest nest = plan_.nests[n];
    std::vector<Border> borders(nest.body.size());
    std::vector<bool> bordered(nest.body.size(), false);
    for (size_t i = 0; i < nest.body.size(); ++i) bordered[i] = border_of(nest, nest.body[i], borders[i]);
    if (std::ranges::none_of(bordered, [](bool b) { return b; })) return;
    // Guards that may as well hold: what they guard is zero by its border where they do not.
    std::vector<bool> free(nest.body.size(), false);
    for (size_t i = 0; i < nest.body.size(); ++i) {
      const Scalar& s = nest.body[i];
      if (s.kind == Scalar::Kind::guarded)
        free[i] = s.value == 0 && zero_outside(nest, s.args[0], bordered, s.guards);
      else if (s.kind == Scalar::Kind::load)
        free[i] = bordered[i] || s.guards.empty();
    }
    for (size_t i = 0; i < nest.body.size(); ++i)
      if (nest.body[i].kind == Scalar::Kind::load && !free[i])
        free[i] = within(nest, nest.body[i]) && only_in_free(nest, static_cast<int32_t>(i), free);
    // A quotient is given its wider extent only where that is right for all that it guards.
    for (size_t q = 0; q < nest.quotients.size(); ++q)
      if (!may_widen(nest, static_cast<int32_t>(q), bordered, free)) return;
    apply(n, nest, borders, bordered, free);
  }

  // Whether a load reads elements of its value whatever its guards say.
  bool within(const Nest& nest, const Scalar& load) const {
    const Value& value = plan_.values[load.access.value];
    if (load.access.indirect >= 0 || value.row_major) return false;
    for (size_t d = 0; d < value.dims.size(); ++d) {
      for (const Term& t : load.access.dims[d].terms)
        if (t.axis >= static_cast<int32_t>(nest.axes.size())) return false;
      const Range r = range(nest, load.access.dims[d]);
      if (r.low < 0 || r.high >= value.dims[d]) return false;
    }
    return true;
  }

  bool may_widen(const Nest& nest, int32_t q, const std::vector<bool>& bordered, const std::vector<bool>& free) const {
    const int32_t axis = static_cast<int32_t>(nest.axes.size()) + q;
    for (size_t i = 0; i < nest.body.size(); ++i) {
      const Scalar& s = nest.body[i];
      const auto names = [&](const Index& index) {
        return std::ranges::any_of(index.terms, [&](const Term& t) { return t.axis == axis; });
      };
      if (names(s.index) || std::ranges::any_of(s.guards, [&](const Guard& g) { return names(g.index); })) return false;
      if (s.kind == Scalar::Kind::load && std::ranges::any_of(s.access.dims, names) && !bordered[i]) return false;
      const bool guarded = std::ranges::any_of(s.guards, [&](const Guard& g) { return g.quotient == q; });
      if (guarded && s.kind == Scalar::Kind::guarded && !free[i]) return false;
      // What is guarded and needs no border is a factor of a product that has one.
      if (guarded && s.kind == Scalar::Kind::load && !bordered[i] && !only_in_free(nest, static_cast<int32_t>(i), free))
        return false;
    }
    return true;
  }

  // Whether all users of a scalar are products under a guard that its border makes needless.
  static bool only_in_free(const Nest& nest, int32_t scalar, const std::vector<bool>& free) {
    for (size_t i = 0; i < nest.body.size(); ++i) {
      const Scalar& user = nest.body[i];
      if (std::ranges::find(user.args, scalar) == user.args.end()) continue;
      const bool product = user.kind == Scalar::Kind::primitive && user.prim == Prim::mul;
      const auto wraps = [&](size_t w) {
        return nest.body[w].kind == Scalar::Kind::guarded && nest.body[w].args[0] == static_cast<int32_t>(i) && free[w];
      };
      bool wrapped = false;
      for (size_t w = 0; w < nest.body.size(); ++w) wrapped = wrapped || wraps(w);
      if (!product || !wrapped) return false;
    }
    return true;
  }

  void apply(size_t n, const Nest& before, const std::vector<Border>& borders, const std::vector<bool>& bordered,
             const std::vector<bool>& free) {
    Nest nest = before;
    std::vector<int64_t> shift(nest.quotients.size(), 0);
    for (size_t i = 0; i < nest.body.size(); ++i) {
      Scalar& s = nest.body[i];
      if (bordered[i]) {
        for (const Guard& guard : s.guards) {
          const auto d = static_cast<size_t>(bounded(before, s, guard));
          if (guard.quotient < 0) {
            s.access.dims[d].offset += borders[i].low[d];
          } else {
            shift[guard.quotient] = borders[i].low[d];
            nest.quotients[guard.quotient].extent =
                before.quotients[guard.quotient].extent + borders[i].low[d] + borders[i].high[d];
          }
        }
      }
      if (bordered[i] || free[i]) std::erase_if(s.guards, [](const Guard& guard) { return guard.quotient < 0; });
    }
    for (size_t q = 0; q < shift.size(); ++q)
      nest.quotients[q].numerator.offset += shift[q] * nest.quotients[q].divisor;
    plan_.nests[n] = nest;
    for (size_t i = nest.body.size(); i-- > 0;) {
      if (bordered[i]) {
        const int32_t copy = copy_of(borders[i], n);
        plan_.nests[n].body[i].access.value = copy;
      }
      if (nest.body[i].kind == Scalar::Kind::guarded && nest.body[i].guards.empty())
        drop(plan_.nests[n], static_cast<int32_t>(i));
    }
  }

  // Takes a scalar out of the body; its users take its operand.
  static void drop(Nest& nest, int32_t scalar) {
    const int32_t operand = nest.body[scalar].args[0];
    const auto rename = [&](int32_t& i) {
      if (i == scalar)
        i = operand;
      else if (i > scalar)
        --i;
    };
    nest.body.erase(nest.body.begin() + scalar);
    for (Scalar& s : nest.body) {
      for (int32_t& arg : s.args) rename(arg);
      rename(s.access.indirect);
    }
    rename(nest.reduced);
    for (Store& store : nest.stores) rename(store.scalar);
  }

  // The value with that border: made once, behind the nests that make the value without it.
  int32_t copy_of(const Border& border, size_t& reader) {
    if (std::ranges::all_of(border.low, [](int64_t e) { return e == 0; }) &&
        std::ranges::all_of(border.high, [](int64_t e) { return e == 0; }))
      return border.value;
    const auto known = copies_.find(border);
    if (known != copies_.end()) return known->second;
    const auto to = static_cast<int32_t>(plan_.values.size());
    copies_[border] = to;
    const Value from = plan_.values[border.value];
    Value value = from;
    value.name = fmt::format("{}_bordered{}", from.name, copies_.size() > 1 ? fmt::format("_{}", copies_.size()) : "");
    value.varies.member = true, value.argument = -1;
    Nest fill, copy;
    size_t at = reader;
    fill.region = plan_.nests[reader].region;
    for (size_t m = 0; m < plan_.nests.size(); ++m)
      for (const Store& store : plan_.nests[m].stores)
        if (store.access.value == border.value && from.argument < 0) at = m + 1, fill.region = plan_.nests[m].region;
    copy.region = fill.region;
    fill.name = value.name + "_fill", copy.name = value.name;
    if (from.varies.sample) fill.axes.push_back({"s", plan_.batch, true, false});
    copy.axes = fill.axes;
    Access all{to, {}, -1}, read{border.value, {}, -1}, write{to, {}, -1};
    for (size_t d = 0; d < from.dims.size(); ++d) {
      value.dims[d] = from.dims[d] + border.low[d] + border.high[d];
      all.dims.push_back(axis(fill, d, value.dims[d]));
      read.dims.push_back(axis(copy, d, from.dims[d]));
      write.dims.push_back(read.dims.back());
      write.dims.back().offset += border.low[d];
    }
    fill.body.push_back({.kind = Scalar::Kind::constant, .dtype = from.dtype, .value = border.fill});
    fill.stores.push_back({all, 0});
    copy.body.push_back({.kind = Scalar::Kind::load, .dtype = from.dtype, .access = read});
    copy.stores.push_back({write, 0});
    plan_.values.push_back(value);
    plan_.nests.insert(plan_.nests.begin() + static_cast<std::ptrdiff_t>(at), {fill, copy});
    if (at <= reader) reader += 2;
    return to;
  }

  // A new axis along dimension `d`, as an index; an axis of extent 1 is the constant 0.
  static Index axis(Nest& nest, size_t d, int64_t extent) {
    if (extent == 1) return {};
    nest.axes.push_back({fmt::format("u{}", d), extent, false, false});
    return {{{static_cast<int32_t>(nest.axes.size()) - 1, 1}}, 0};
  }

  Plan& plan_;
  std::map<Border, int32_t> copies_;
};

}  // namespace

void border(Plan& plan) { BorderMaker(plan).run(); }

}  // namespace shoal::plan
