// GPU: deals lanes to axes and chooses tiles by counting, for each way, what a thread issues and what shared memory
// moves.
//
// A tile of TM x TN points costs TM + TN wide loads for every four steps of the reduction, so it decides whether the
// multiply-adds or shared memory is the limit; lanes without work cost as much as lanes that work. The schedule's own
// split of the lanes is taken unless another one is better by more than a little.
#include <algorithm>
#include <bit>
#include <vector>

#include "compiler/plan/bind.h"
#include "compiler/plan/lane_cost.h"

namespace shoal::plan {
namespace {

constexpr int64_t largest_copy_tile = 8;  // points of a thread in nests without reduction: enough to hide latency
constexpr int64_t longest_tile = 16;      // along one axis
constexpr double preference = 1.02;       // how much better than the schedule's split another one must be
constexpr double last_resort = 1.1;       // the same of lanes that share a sum: each has more results in registers

class LaneBinder {
 public:
  LaneBinder(const Plan& plan, const Nest& nest, Binding& binding)
      : plan_(plan), nest_(nest), binding_(binding), cost_(plan, nest, binding) {}

  void run() {
    const auto parallel = static_cast<size_t>(nest_.parallel_count());
    const int64_t lanes = plan_.schedule.lanes_of_member();
    if (parallel == 0) {
      Deal deal{Points(nest_.axes.size(), 1), cost_.phases()};
      consider(deal);
      if (share_sum(deal, lanes)) consider(deal);
      return apply(best_);
    }
    for (size_t a = 0; a < parallel; ++a)
      for (size_t b = a + 1; b <= parallel; ++b)
        for (int64_t la = 1; la <= lanes; la *= 2)
          for (int64_t lb = 1; la * lb <= lanes; lb *= 2) {
            if (b == parallel && (lb > 1 || parallel > 1)) continue;
            if (wasteful(a, la) || (b < parallel && wasteful(b, lb))) continue;
            Deal deal{Points(nest_.axes.size(), 1), cost_.phases()};
            deal.lanes[a] = la;
            if (b < parallel) deal.lanes[b] = lb;
            tiles(deal, a, b);
            leftover(deal, a, b, lanes / (la * lb));
          }
    apply(best_);
  }

 private:
  using Points = std::vector<int64_t>;

  // More lanes than there are points do nothing.
  bool wasteful(size_t a, int64_t lanes) const { return lanes > 1 && lanes / 2 >= cost_.extent(a); }

  // Lanes that two axes leave without work go to a third, or share the sums.
  void leftover(const Deal& deal, size_t a, size_t b, int64_t lanes) {
    if (lanes == 1) return;
    for (size_t c = 0; c < static_cast<size_t>(nest_.parallel_count()); ++c) {
      if (c == a || c == b || wasteful(c, lanes) || cost_.phases()[c] > 1) continue;
      Deal with = deal;
      with.lanes[c] = lanes;
      tiles(with, a, b);
    }
    Deal with = deal;
    if (share_sum(with, lanes)) tiles(with, a, b);
  }

  // Gives lanes that no parallel axis has to the last reduced one, if its steps are dealt to them without a rest and
  // all lanes come to the exchange of their sums.
  bool share_sum(Deal& deal, int64_t lanes) const {
    const auto parallel = static_cast<size_t>(nest_.parallel_count());
    if (nest_.reduced < 0 || parallel == nest_.axes.size() || reads_overwritten() || !nest_.quotients.empty())
      return false;
    if (plan_.batch % plan_.chunk != 0) return false;
    for (size_t a = 0; a < parallel; ++a) {
      const int64_t all = nest_.axes[a].sample ? plan_.chunk : nest_.axes[a].extent;
      if (all % (binding_.axes[a].threads * deal.lanes[a]) != 0) return false;
    }
    const int64_t steps = cost_.extent(nest_.axes.size() - 1);
    while (lanes > 1 && steps % (lanes * vector_of_sum(steps, lanes)) != 0) lanes /= 2;
    deal.lanes.back() = lanes;
    return lanes > 1;
  }

  int64_t vector_of_sum(int64_t steps, int64_t lanes) const {
    const bool wide = steps % (lanes * plan_.access) == 0 && plan_.schedule.unroll % plan_.access == 0;
    return lanes > 1 && wide ? plan_.access : 1;
  }

  // Whether what is summed is read from memory that the nest stores to.
  bool reads_overwritten() const {
    return std::any_of(nest_.body.begin(), nest_.body.end(), [&](const Scalar& s) {
      return s.kind == Scalar::Kind::load && cost_.is_summed(static_cast<size_t>(&s - nest_.body.data())) &&
             std::any_of(nest_.stores.begin(), nest_.stores.end(),
                         [&](const Store& store) { return store.access.value == s.access.value; });
    });
  }

  // Every tile along the two axes, and along one more where neighbours read the same.
  void tiles(Deal deal, size_t a, size_t b) {
    const auto parallel = static_cast<size_t>(nest_.parallel_count());
    const int64_t budget = nest_.reduced >= 0 ? int64_t{plan_.schedule.tile_sample} * plan_.schedule.tile_unit
                                              : std::min<int64_t>(largest_copy_tile, 64);
    int64_t held = 1;
    for (size_t c = 0; c < parallel; ++c)
      if (c != a && c != b) held *= deal.tile[c];
    for (const int64_t ta : tiles_of(a, deal.lanes[a], budget / held))
      for (const int64_t tb : b < parallel ? tiles_of(b, deal.lanes[b], budget / held / ta) : Points{1}) {
        deal.tile[a] = ta;
        if (b < parallel) deal.tile[b] = tb;
        consider(deal);
        for (size_t c = 0; c < parallel; ++c) {
          if (c == a || c == b || !cost_.slides(c)) continue;
          const int64_t alone = deal.tile[c];
          for (const int64_t tc : tiles_of(c, 1, budget / held / ta / tb)) {
            deal.tile[c] = tc;
            if (tc > alone && cost_.extent(c) % tc == 0) consider(deal);
          }
          deal.tile[c] = alone;
        }
      }
  }

  // Powers of two, or all the points of a thread; a tile that leaves a rest only when it is much of the whole.
  Points tiles_of(size_t axis, int64_t lanes, int64_t budget) const {
    const int64_t points = ceil_div(cost_.extent(axis), lanes), phase = cost_.phases()[axis];
    Points result;
    for (int64_t tile = 1; tile <= std::min({budget, points, longest_tile}); ++tile) {
      const bool sliding = lanes == 1 && cost_.slides(axis) && points % tile == 0;
      const bool even = std::has_single_bit(static_cast<uint64_t>(tile)) && (points % tile == 0 || points > 2 * tile);
      if (tile % phase == 0 && (tile == points || even || sliding)) result.push_back(tile);
    }
    if (result.empty()) result.push_back(std::max<int64_t>(1, std::min(budget, points)));
    return result;
  }

  void consider(const Deal& deal) {
    const bool shares = !nest_.axes.empty() && nest_.axes.back().reduced && deal.lanes.back() > 1;
    const double cost = cost_(deal) * (preferred(deal) ? 1 : preference) * (shares ? last_resort : 1);
    if (best_cost_ == 0 || cost < best_cost_) best_cost_ = cost, best_ = deal;
  }

  bool preferred(const Deal& d) const {
    for (size_t a = 0; a < static_cast<size_t>(nest_.parallel_count()); ++a) {
      const PopulationAxis kind = nest_.axes[a].sample ? PopulationAxis::sample : PopulationAxis::unit;
      if (d.lanes[a] > 1 && d.lanes[a] != plan_.schedule[kind].lane) return false;
    }
    return true;
  }

  // Bits of the lane, so that of two axes each has lanes whose neighbours (next, or next but one) read the same address
  // of the other axis: then two quarters of a warp share what shared memory delivers.
  void apply(const Deal& d) {
    std::vector<size_t> axes;  // with lanes, those of most first
    int64_t points = 1;
    for (size_t a = 0; a < static_cast<size_t>(nest_.parallel_count()); ++a) {
      points *= d.tile[a];
      if (d.lanes[a] > 1) axes.push_back(a);
    }
    std::stable_sort(axes.begin(), axes.end(), [&](size_t a, size_t b) { return d.lanes[a] > d.lanes[b]; });
    std::vector<std::vector<int32_t>> bits(axes.size());
    int64_t used = 1;
    int32_t bit = 0;
    for (const size_t most : {1u, 31u})  // one bit each, then what is left
      for (size_t n = 0; n < axes.size(); ++n)
        while (bits[n].size() < most && (int64_t{1} << bits[n].size()) < d.lanes[axes[n]]) bits[n].push_back(bit++);
    unroll(points, d.lanes.empty() ? 1 : d.lanes.back());
    for (size_t a = 0; a < static_cast<size_t>(nest_.parallel_count()); ++a) set_tile(a, d.tile[a]);
    for (size_t n = 0; n < axes.size(); ++n) {
      set_lanes(axes[n], d.lanes[axes[n]], bits[n]);
      used *= d.lanes[axes[n]];
    }
    share(d, bit);
    idle(used, plan_.schedule.lanes_of_member());
  }

  // The lanes that share the sum follow those of the parallel axes.
  void share(const Deal& d, int32_t bit) {
    const auto parallel = static_cast<size_t>(nest_.parallel_count());
    if (parallel == nest_.axes.size() || d.lanes.back() == 1) return;
    AxisBinding& axis = binding_.axes.back();
    axis.vector = static_cast<int32_t>(vector_of_sum(cost_.extent(nest_.axes.size() - 1), d.lanes.back()));
    axis.lane_count = static_cast<int32_t>(d.lanes.back());
    for (int64_t lanes = 1; lanes < d.lanes.back(); lanes *= 2) axis.lane_bits.push_back(bit++);
    axis.threads *= axis.lane_count;
  }

  void unroll(int64_t points, int64_t lanes) {
    if (nest_.reduced < 0) return;
    const Points steps = cost_.steps(points, lanes);
    for (size_t a = static_cast<size_t>(nest_.parallel_count()); a < nest_.axes.size(); ++a)
      if (a + 1 < nest_.axes.size() || steps[a] > plan_.schedule.unroll)
        binding_.axes[a].tile = static_cast<int32_t>(steps[a]);
  }

  void set_tile(size_t axis, int64_t tile) {
    AxisBinding& b = binding_.axes[axis];
    b.tile = static_cast<int32_t>(tile);
    b.vector = tile % 4 == 0 ? 4 : tile % 2 == 0 ? 2 : 1;
    b.vector = std::min(b.vector, plan_.access);
  }

  // The eight lanes of a quarter warp should be four rows apart, because rows are swizzled by fours: where a thread has
  // fewer than four neighbouring points, the low bits of the thread come from the last lane bits.
  void set_lanes(size_t axis, int64_t lanes, const std::vector<int32_t>& bits) {
    AxisBinding& b = binding_.axes[axis];
    b.threads *= static_cast<int32_t>(lanes);
    b.lane_count = static_cast<int32_t>(lanes);
    b.lane_bits = bits;
    size_t far = static_cast<size_t>(std::countr_zero(static_cast<uint32_t>(std::max(1, 4 / b.vector))));
    if (bits.size() > far)
      std::rotate(b.lane_bits.begin(), b.lane_bits.end() - static_cast<std::ptrdiff_t>(far), b.lane_bits.end());
  }

  void idle(int64_t used, int64_t lanes) {
    binding_.idle_lanes = static_cast<int32_t>(lanes / used);
    binding_.idle_lane_div = binding_.idle_lanes > 1 ? static_cast<int32_t>(used) : 1;
  }

  const Plan& plan_;
  const Nest& nest_;
  Binding& binding_;
  const LaneCost cost_;
  Deal best_;
  double best_cost_ = 0;
};

}  // namespace

void lay_out_for_wide_access(Plan& plan) {
  for (Value& value : plan.values) {
    if (value.argument >= 0 || !value.varies.sample) continue;
    bool samples_divide = plan.chunk % plan.access == 0 && plan.batch % plan.access == 0;
    bool units_divide = !value.dims.empty() && value.dims.back() % plan.access == 0;
    value.samples_innermost = samples_divide || !units_divide;
  }
}

void spread_lanes(const Plan& plan, const Nest& nest, Binding& binding) { LaneBinder(plan, nest, binding).run(); }

}  // namespace shoal::plan
