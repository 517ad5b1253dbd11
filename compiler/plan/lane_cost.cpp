// Counts a nest's instructions and accesses, tile by tile as lowering cuts them.
#include "compiler/plan/lane_cost.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "compiler/plan/bind.h"

namespace shoal::plan {
namespace {

constexpr int64_t bytes_of_sector = 32;  // global memory is read in these
constexpr double wide_wavefronts = 2;    // of a 16-byte load of a warp whose lanes share addresses in pairs
constexpr double issue_slots = 4;        // warp instructions a multiprocessor issues in a cycle
constexpr int64_t work_of_round = 32;    // multiply-adds of a thread in one round of an unrolled reduction, at least
constexpr int64_t longest_unroll = 16;
constexpr double round_overhead = 6;  // instructions of loop and addresses around a round of the reduction
constexpr double tile_overhead = 4;   // the same around a tile

bool is_axis(const Nest& nest, const Term& term) { return term.axis < static_cast<int32_t>(nest.axes.size()); }

}  // namespace

int contiguous_axis(const Plan& plan, const Nest& nest, const Access& access) {
  const Value& value = plan.values[access.value];
  if (value.varies.sample && value.samples_innermost) {
    for (size_t a = 0; a < nest.axes.size(); ++a)
      if (nest.axes[a].sample) return plan.chunk % plan.access == 0 ? static_cast<int>(a) : -1;
  }
  if (access.dims.empty() || value.dims.back() % plan.access != 0) return -1;
  for (const Term& t : access.dims.back().terms)
    if (t.factor == 1 && is_axis(nest, t)) return t.axis;
  return -1;
}

LaneCost::LaneCost(const Plan& plan, const Nest& nest, const Binding& binding)
    : plan_(plan),
      nest_(nest),
      binding_(binding),
      feeds_reduction_(summed_scalars(nest)),
      slides_(nest.axes.size(), false),
      phases_(nest.axes.size(), 1) {
  find_windows();
}

void LaneCost::find_windows() {
  for (size_t i = 0; i < nest_.body.size(); ++i) {
    if (!feeds_reduction_[i] || nest_.body[i].kind != Scalar::Kind::load) continue;
    for (const Index& index : nest_.body[i].access.dims) {
      const bool summed = std::any_of(index.terms.begin(), index.terms.end(),
                                      [&](const Term& t) { return is_axis(nest_, t) && nest_.axes[t.axis].reduced; });
      for (const Term& t : index.terms)
        if (summed && is_axis(nest_, t) && !nest_.axes[t.axis].reduced) slides_[t.axis] = true;
    }
  }
  Points phases = phases_;
  for (const Quotient& q : nest_.quotients)
    for (const Term& t : q.numerator.terms) {
      if (!is_axis(nest_, t)) return;
      const int64_t phase = q.divisor / std::gcd(q.divisor, t.factor);
      phases[t.axis] = std::lcm(phases[t.axis], phase);
      if (phases[t.axis] > largest_phase || (phase > 1 && binding_.axes[t.axis].threads > 1)) return;
    }
  phases_ = phases;
  for (const Quotient& q : nest_.quotients) quotients_ *= static_cast<double>(q.divisor);
}

int64_t LaneCost::extent(size_t axis) const {
  int64_t all = nest_.axes[axis].sample ? std::min(plan_.chunk, nest_.axes[axis].extent) : nest_.axes[axis].extent;
  return ceil_div(all, binding_.axes[axis].threads);
}

std::vector<int64_t> LaneCost::steps(int64_t points, int64_t lanes) const {
  std::vector<int64_t> result = phases_;
  const auto parallel = static_cast<size_t>(nest_.parallel_count());
  if (nest_.reduced < 0 || parallel == nest_.axes.size()) return result;
  const size_t last = nest_.axes.size() - 1;
  const int64_t least = result[last], n = extent(last) / lanes;
  int64_t inner = std::max<int64_t>(least, plan_.schedule.unroll / least * least);
  while (points * inner < work_of_round && inner < longest_unroll && inner * 2 <= n) inner *= 2;
  result[last] = std::min(inner, n);
  int64_t all = result[last];
  for (size_t a = last; a > parallel; --a) {
    const int64_t outer = nest_.axes[a - 1].extent;
    const bool whole = result[a] >= (a == last ? n : extent(a));
    all *= outer;
    if (!whole || all > longest_unroll || all * points > 2 * work_of_round) break;
    result[a - 1] = outer;
  }
  return result;
}

// Elements that an index names at the points of one body.
int64_t LaneCost::distinct(const Index& index, const Points& at) const {
  int64_t product = 1, span = 0;
  for (const Term& t : index.terms) {
    if (t.axis == time_axis) continue;
    int64_t n = 1;
    if (is_axis(nest_, t)) {
      n = at[t.axis];
    } else {
      const Quotient& q = nest_.quotients[t.axis - nest_.axes.size()];
      n = ceil_div(distinct(q.numerator, at), q.divisor);
    }
    product *= n;
    span += std::abs(t.factor) * (n - 1);
  }
  return std::min(product, span + 1);
}

// Accesses of one tile (of one round of the reduction, when `in_reduction`).
void LaneCost::count(const Access& access, const Deal& deal, const Points& at, bool in_reduction,
                     Traffic& traffic) const {
  const bool by_sample = plan_.values[access.value].varies.sample || access.indirect >= 0;
  int64_t points = 1;
  for (size_t d = access.indirect >= 0 ? 1 : 0; d < access.dims.size(); ++d) points *= distinct(access.dims[d], at);
  for (size_t a = 0; a < nest_.axes.size(); ++a)
    if (by_sample && nest_.axes[a].sample) points *= at[a];
  const int along = contiguous_axis(plan_, nest_, access);
  const bool wide = along >= 0 && at[along] % plan_.access == 0 &&
                    (!nest_.axes[along].reduced || nest_.axes[along].extent % plan_.access == 0);
  double accesses = static_cast<double>(points);
  if (wide) accesses /= plan_.access;
  // Lanes that read less than a sector each, far from one another, move the rest of it for nothing.
  if (plan_.values[access.value].argument >= 0 && !in_reduction) {
    const int64_t lanes = along >= 0 ? deal.lanes[along] : 1;
    const int64_t bytes = lanes * (wide ? plan_.access : 1) * 4;
    accesses *= std::max<double>(1, static_cast<double>(bytes_of_sector) / static_cast<double>(bytes));
  }
  (wide ? traffic.wide : traffic.single) += accesses;
}

double LaneCost::cycles(double instructions, const Traffic& traffic) const {
  double issued = instructions + traffic.wide + traffic.single;
  return std::max(issued / issue_slots, traffic.wide * wide_wavefronts + traffic.single) + 0.05 * issued;
}

// `at` has the points of the parallel axes in one body.
double LaneCost::of_tile(const Deal& deal, const Points& at) const {
  const auto parallel = static_cast<size_t>(nest_.parallel_count());
  int64_t points = 1;
  for (size_t a = 0; a < parallel; ++a) points *= at[a];
  Points in_round = at;
  const Points unrolled = steps(points, deal.lanes.empty() ? 1 : deal.lanes.back());
  double rounds = 1, steps_of_round = 1;
  for (size_t a = parallel; a < nest_.axes.size(); ++a) {
    const int64_t n = extent(a) / deal.lanes[a];
    in_round[a] = std::min(unrolled[a], n);
    steps_of_round *= static_cast<double>(in_round[a]);
    rounds *= static_cast<double>(n) / static_cast<double>(in_round[a]);
  }
  double inner = 0, outer = 0;
  Traffic in_steps, around;
  for (size_t i = 0; i < nest_.body.size(); ++i) {
    const Scalar& s = nest_.body[i];
    const bool inside = feeds_reduction_[i];
    if (s.kind == Scalar::Kind::load)
      count(s.access, deal, inside ? in_round : at, inside, inside ? in_steps : around);
    else if (s.kind == Scalar::Kind::primitive)
      (inside ? inner : outer) += static_cast<double>(points);
  }
  for (const Store& store : nest_.stores) count(store.access, deal, at, false, around);
  const double round = cycles(inner * steps_of_round / quotients_ + round_overhead, in_steps);
  double cost = cycles(outer + tile_overhead, around);
  if (nest_.reduced < 0) return cost;
  // Lanes that share the sums exchange them once for each halving, and add.
  double exchanges = 0;
  for (size_t a = parallel; a < nest_.axes.size(); ++a)
    exchanges += static_cast<double>(points) * std::log2(static_cast<double>(deal.lanes[a]));
  if (exchanges > 0) cost += cycles(exchanges, {0, exchanges});
  return cost + rounds * round;
}

// Full tiles of an axis, then a smaller one, then one point of some of the lanes.
double LaneCost::of_axes(const Deal& deal, Points& at, size_t axis) const {
  if (axis == static_cast<size_t>(nest_.parallel_count())) return of_tile(deal, at);
  const int64_t n = extent(axis), lanes = deal.lanes[axis], tile = deal.tile[axis];
  const int64_t full = n / (lanes * tile), rest = (n - full * lanes * tile) / lanes, last = n % lanes;
  double cost = 0;
  const auto add = [&](int64_t times, int64_t points) {
    if (times == 0 || points == 0) return;
    at[axis] = points;
    cost += static_cast<double>(times) * of_axes(deal, at, axis + 1);
  };
  add(full, tile);
  add(1, rest);
  add(last > 0 ? 1 : 0, 1);
  return cost;
}

double LaneCost::operator()(const Deal& deal) const {
  Points at(nest_.axes.size(), 1);
  return of_axes(deal, at, 0);
}

}  // namespace shoal::plan
