// CPU: neighbouring unit axes that all of a nest walks as one become one axis.
//
// An update of weights with nine elements a row then runs over all rows in whole vectors, and a loop ends once in the
// place of once a row. Runs before bind, which deals lanes and tiles to the axes that are left, and behind border,
// whose copies have rows that are not walked as one.
#include <algorithm>

#include "compiler/plan/plan.h"

namespace shoal::plan {
namespace {

// The factor with which an index names an axis, 0 for none.
int64_t factor_of(const Index& index, int32_t axis) {
  for (const Term& term : index.terms)
    if (term.axis == axis) return term.factor;
  return 0;
}

bool names(const Index& index, int32_t axis) { return factor_of(index, axis) != 0; }

// Two neighbouring axes of a nest; the second is the faster one in memory.
class Pair {
 public:
  Pair(const Plan& plan, const Nest& nest, int32_t outer)
      : plan_(plan), nest_(nest), outer_(outer), inner_(outer + 1) {}

  bool walked_as_one() const {
    const Axis &a = nest_.axes[outer_], &b = nest_.axes[inner_];
    if (a.sample || b.sample || a.window || b.window || a.reduced != b.reduced) return false;
    for (const Quotient& q : nest_.quotients)
      if (named(q.numerator)) return false;
    for (const Scalar& s : nest_.body) {
      if (named(s.index) || std::ranges::any_of(s.guards, [&](const Guard& g) { return named(g.index); })) return false;
      if (s.kind == Scalar::Kind::load && !walked_as_one(s.access)) return false;
    }
    return std::ranges::all_of(nest_.stores, [&](const Store& store) { return walked_as_one(store.access); });
  }

  // The access along the axis that both become: a dimension that only counted rows stays at 0, and the one in the row
  // goes on beyond its end.
  void merge(Access& access) const {
    for (Index& index : access.dims) {
      std::erase_if(index.terms, [&](const Term& term) { return term.axis == outer_; });
      renumber(index);
    }
  }
  // Axes (and quotients, which are numbered behind them) after the pair move up by one.
  void renumber(Index& index) const {
    for (Term& term : index.terms)
      if (term.axis > outer_ && term.axis != time_axis) --term.axis;
  }

  // Whether an access that names the axes does so in two dimensions, which it then goes through as flat memory.
  bool in_two_dimensions(const Access& access) const {
    return std::ranges::any_of(access.dims, [&](const Index& i) { return names(i, outer_) && !names(i, inner_); });
  }

 private:
  bool named(const Index& index) const { return names(index, outer_) || names(index, inner_); }

  bool walked_as_one(const Access& access) const {
    for (size_t d = 0; d < access.dims.size(); ++d) {
      if (!named(access.dims[d])) continue;
      if (d == 0 && access.indirect >= 0) continue;  // what it says is replaced
      const int64_t a = factor_of(access.dims[d], outer_), b = factor_of(access.dims[d], inner_);
      if (a != 0 && b != 0) {  // flat memory already
        if (a != b * nest_.axes[inner_].extent) return false;
        continue;
      }
      d = end_of_rows(access, d);
      if (d == access.dims.size()) return false;
    }
    return true;
  }

  // Where dimension `d` counts by the outer axis the rows that the inner axis goes through from end to end: the
  // dimension that the inner axis is in. Else their number.
  size_t end_of_rows(const Access& access, size_t d) const {
    const Index outer{{{outer_, 1}}, 0}, inner{{{inner_, 1}}, 0};
    const size_t none = access.dims.size();
    if (access.dims[d] != outer) return none;
    const Shape& shape = plan_.values[access.value].dims;
    int64_t row = 1;
    for (++d; d < none; ++d) {
      row *= shape[d];
      if (access.dims[d] == inner) return row == nest_.axes[inner_].extent ? d : none;
      if (access.dims[d] != Index{}) return none;
    }
    return none;
  }

  const Plan& plan_;
  const Nest& nest_;
  const int32_t outer_, inner_;
};

void merge(Plan& plan, Nest& nest, int32_t outer) {
  const Nest before = nest;
  const Pair pair(plan, before, outer);
  const auto take = [&](Access& access) {
    if (pair.in_two_dimensions(access)) plan.values[access.value].row_major = true;
    pair.merge(access);
  };
  for (Quotient& q : nest.quotients) pair.renumber(q.numerator);
  for (Scalar& s : nest.body) {
    pair.renumber(s.index);
    for (Guard& guard : s.guards) pair.renumber(guard.index);
    if (s.kind == Scalar::Kind::load) take(s.access);
  }
  for (Store& store : nest.stores) take(store.access);
  nest.axes[outer].extent *= nest.axes[outer + 1].extent;
  nest.axes.erase(nest.axes.begin() + outer + 1);
}

}  // namespace

void merge_axes(Plan& plan, Nest& nest) {
  for (auto a = static_cast<int32_t>(nest.axes.size()) - 2; a >= 0; --a)
    if (Pair(plan, nest, a).walked_as_one()) merge(plan, nest, a);
}

void merge_axes(Plan& plan) {
  for (Nest& nest : plan.nests) merge_axes(plan, nest);
}

}  // namespace shoal::plan
