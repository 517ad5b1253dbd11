// GPU: the order of a nest's reduced axes. The innermost is unrolled, and wide accesses go along it: a reduction over
// samples and positions of a window runs over positions outside and samples inside when rows are of samples.
#include <algorithm>
#include <vector>

#include "compiler/plan/bind.h"
#include "compiler/plan/lane_cost.h"

namespace shoal::plan {
namespace {

// The reduced axis to be last: another than the last only when more accesses go along it.
size_t innermost(const Plan& plan, const Nest& nest) {
  std::vector<int> accesses(nest.axes.size(), 0);
  const std::vector<bool> summed = summed_scalars(nest);
  for (size_t i = 0; i < nest.body.size(); ++i) {
    if (!summed[i] || nest.body[i].kind != Scalar::Kind::load) continue;
    const int along = contiguous_axis(plan, nest, nest.body[i].access);
    if (along >= 0 && nest.axes[along].extent % plan.access == 0) ++accesses[along];
  }
  size_t best = nest.axes.size() - 1;
  for (size_t a = static_cast<size_t>(nest.parallel_count()); a < nest.axes.size(); ++a)
    if (accesses[a] > accesses[best]) best = a;
  return best;
}

void renumber(Index& index, const std::vector<int32_t>& to) {
  for (Term& term : index.terms)
    if (term.axis < static_cast<int32_t>(to.size())) term.axis = to[term.axis];
}

void move_last(Nest& nest, size_t axis) {
  std::vector<int32_t> to;  // new numbers of the axes
  for (size_t a = 0; a < nest.axes.size(); ++a) to.push_back(static_cast<int32_t>(a > axis ? a - 1 : a));
  to[axis] = static_cast<int32_t>(nest.axes.size()) - 1;
  const auto from = nest.axes.begin() + static_cast<std::ptrdiff_t>(axis);
  std::rotate(from, from + 1, nest.axes.end());
  for (Quotient& q : nest.quotients) renumber(q.numerator, to);
  for (Scalar& s : nest.body) {
    renumber(s.index, to);
    for (Index& index : s.access.dims) renumber(index, to);
    for (Guard& guard : s.guards) renumber(guard.index, to);
  }
  for (Store& store : nest.stores)
    for (Index& index : store.access.dims) renumber(index, to);
}

}  // namespace

void order_reductions(Plan& plan) {
  for (Nest& nest : plan.nests) {
    if (nest.reduced < 0 || nest.axes.size() < static_cast<size_t>(nest.parallel_count()) + 2) continue;
    if (const size_t axis = innermost(plan, nest); axis + 1 < nest.axes.size()) move_last(nest, axis);
  }
}

}  // namespace shoal::plan
