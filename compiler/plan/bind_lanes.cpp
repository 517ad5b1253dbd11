// GPU: deals lanes to axes and chooses tiles by counting, for each way, what a thread issues and what shared memory
// moves.
//
// A tile of TM x TN points costs TM + TN wide loads for every four steps of the reduction, so it decides whether the
// multiply-adds or shared memory is the limit; lanes without work cost as much as lanes that work. The schedule's own
// split of the lanes is taken unless another one is better by more than a little.
#include <algorithm>
#include <array>
#include <bit>

#include "compiler/plan/bind.h"

namespace shoal::plan {
namespace {

constexpr int64_t bytes_of_sector = 32;   // global memory is read in these
constexpr double wide_wavefronts = 2;     // of a 16-byte load of a warp whose lanes share addresses in pairs
constexpr double issue_slots = 4;         // warp instructions a multiprocessor issues in a cycle
constexpr int64_t largest_copy_tile = 8;  // points of a thread in nests without reduction: enough to hide latency
constexpr int64_t work_of_round = 32;     // multiply-adds of a thread in one round of an unrolled reduction, at least
constexpr int64_t longest_unroll = 16;
constexpr double preference = 1.02;  // how much better than the schedule's split another one must be

// How the points of two axes are dealt out; b < 0: only one axis.
struct Deal {
  int a = -1, b = -1;
  int64_t lanes_a = 1, lanes_b = 1, tile_a = 1, tile_b = 1;
};

bool names(const Index& index, int axis) {
  return std::any_of(index.terms.begin(), index.terms.end(), [&](const Term& t) { return t.axis == axis; });
}

class LaneBinder {
 public:
  LaneBinder(const Plan& plan, const Nest& nest, Binding& binding) : plan_(plan), nest_(nest), binding_(binding) {
    for (size_t i = 0; i < nest.body.size(); ++i) feeds_reduction_.push_back(false);
    if (nest.reduced >= 0) mark(nest.reduced);
  }

  void run() {
    int parallel = nest_.parallel_count();
    int64_t lanes = plan_.schedule.lanes_of_member();
    if (parallel == 0) {
      unroll(1);
      return idle(1, lanes);
    }
    double best_cost = 0;
    Deal best;
    for (int a = 0; a < parallel; ++a)
      for (int b = a + 1; b <= parallel; ++b)
        for (int64_t la = 1; la <= lanes; la *= 2)
          for (int64_t lb = 1; la * lb <= lanes; lb *= 2) {
            if (b == parallel && (lb > 1 || parallel > 1)) continue;
            Deal deal{a, b == parallel ? -1 : b, la, lb, 1, 1};
            if (wasteful(deal.a, la) || (deal.b >= 0 && wasteful(deal.b, lb))) continue;
            tiles(deal, [&](const Deal& d) {
              double cost = cost_of(d) * (preferred(d) ? 1 : preference);
              if (best_cost == 0 || cost < best_cost) best_cost = cost, best = d;
            });
          }
    apply(best);
  }

 private:
  void mark(int32_t scalar) {
    if (scalar < 0 || feeds_reduction_[scalar]) return;
    feeds_reduction_[scalar] = true;
    for (int32_t arg : nest_.body[scalar].args) mark(arg);
    mark(nest_.body[scalar].access.indirect);
  }

  int64_t extent(int a) const {
    int64_t all = nest_.axes[a].sample ? std::min(plan_.chunk, nest_.axes[a].extent) : nest_.axes[a].extent;
    return ceil_div(all, binding_.axes[a].threads);
  }
  // More lanes than there are points do nothing.
  bool wasteful(int a, int64_t lanes) const { return lanes > 1 && lanes / 2 >= extent(a); }

  template <typename Visit>
  void tiles(Deal deal, Visit visit) const {
    int64_t budget = nest_.reduced >= 0 ? int64_t{plan_.schedule.tile_sample} * plan_.schedule.tile_unit
                                        : std::min<int64_t>(largest_copy_tile, 64);
    int64_t points_a = ceil_div(extent(deal.a), deal.lanes_a);
    int64_t points_b = deal.b >= 0 ? ceil_div(extent(deal.b), deal.lanes_b) : 1;
    for (int64_t ta = 1; ta <= std::min<int64_t>(budget, 16); ++ta) {
      if (!fits(ta, points_a)) continue;
      for (int64_t tb = 1; ta * tb <= budget && tb <= 16; ++tb) {
        if (!fits(tb, points_b)) continue;
        deal.tile_a = ta, deal.tile_b = tb;
        visit(deal);
      }
    }
  }
  // Powers of two, or all the points of a thread; a tile that leaves a rest only when it is much of the whole.
  static bool fits(int64_t tile, int64_t points) {
    if (tile > points) return false;
    return tile == points ||
           (std::has_single_bit(static_cast<uint64_t>(tile)) && (points % tile == 0 || points > 2 * tile));
  }

  bool preferred(const Deal& d) const {
    auto wanted = [&](int a, int64_t lanes) {
      return lanes == plan_.schedule[nest_.axes[a].sample ? PopulationAxis::sample : PopulationAxis::unit].lane;
    };
    return wanted(d.a, d.lanes_a) && (d.b < 0 || wanted(d.b, d.lanes_b));
  }

  // The axis along which neighbouring points are neighbours in memory, if wide accesses may go along it; else -1.
  int contiguous_axis(const Access& access) const {
    const Value& value = plan_.values[access.value];
    if (value.varies.sample && value.samples_innermost) {
      for (size_t a = 0; a < nest_.axes.size(); ++a)
        if (nest_.axes[a].sample) return plan_.chunk % plan_.access == 0 ? static_cast<int>(a) : -1;
    }
    if (access.dims.empty() || value.dims.back() % plan_.access != 0) return -1;
    for (const Term& t : access.dims.back().terms)
      if (t.factor == 1 && t.axis < static_cast<int32_t>(nest_.axes.size())) return t.axis;
    return -1;
  }

  bool depends(const Access& access, int axis) const {
    if (axis < 0) return false;
    if (plan_.values[access.value].varies.sample && nest_.axes[axis].sample) return true;
    if (access.indirect >= 0 && nest_.axes[axis].sample) return true;
    return std::any_of(access.dims.begin(), access.dims.end(), [&](const Index& index) { return names(index, axis); });
  }

  struct Traffic {
    double wide = 0, single = 0;
  };
  // Accesses of one tile (of one step of the reduction, when `in_reduction`).
  void count(const Access& access, const Deal& d, bool in_reduction, Traffic& traffic) const {
    double points = static_cast<double>((depends(access, d.a) ? d.tile_a : 1) * (depends(access, d.b) ? d.tile_b : 1));
    int along = contiguous_axis(access);
    bool in_tile =
        (along == d.a && d.tile_a % plan_.access == 0) || (along >= 0 && along == d.b && d.tile_b % plan_.access == 0);
    bool in_steps = in_reduction && along >= 0 && nest_.axes[along].reduced &&
                    nest_.axes[along].extent % plan_.access == 0 && plan_.schedule.unroll % plan_.access == 0;
    double factor = 1;
    // Lanes that read less than a sector each, far from one another, move the rest of it for nothing.
    if (plan_.values[access.value].argument >= 0 && !in_reduction) {
      int64_t lanes = along == d.a ? d.lanes_a : along >= 0 && along == d.b ? d.lanes_b : 1;
      int64_t bytes = lanes * (in_tile ? plan_.access : 1) * 4;
      factor = std::max<double>(1, static_cast<double>(bytes_of_sector) / static_cast<double>(bytes));
    }
    (in_tile || in_steps ? traffic.wide : traffic.single) +=
        factor * (in_tile || in_steps ? points / plan_.access : points);
  }

  double cycles(double instructions, const Traffic& traffic) const {
    double issued = instructions + traffic.wide + traffic.single;
    return std::max(issued / issue_slots, traffic.wide * wide_wavefronts + traffic.single) + 0.05 * issued;
  }

  double cost_of(const Deal& d) const {
    double tiles = 1, steps = 1;
    for (size_t a = 0; a < nest_.axes.size(); ++a) {
      int axis = static_cast<int>(a);
      double n = static_cast<double>(extent(axis));
      if (nest_.axes[a].reduced)
        steps *= n;
      else if (axis == d.a)
        tiles *= static_cast<double>(ceil_div(ceil_div(extent(axis), d.lanes_a), d.tile_a));
      else if (axis == d.b)
        tiles *= static_cast<double>(ceil_div(ceil_div(extent(axis), d.lanes_b), d.tile_b));
      else
        tiles *= n;
    }
    double points = static_cast<double>(d.tile_a * d.tile_b), inner = 0, outer = 0;
    Traffic in_steps, around;
    for (size_t i = 0; i < nest_.body.size(); ++i) {
      const Scalar& s = nest_.body[i];
      bool inside = feeds_reduction_[i];
      if (s.kind == Scalar::Kind::load)
        count(s.access, d, inside, inside ? in_steps : around);
      else if (s.kind == Scalar::Kind::primitive)
        (inside ? inner : outer) += points;
    }
    for (const Store& store : nest_.stores) count(store.access, d, false, around);
    // About six instructions of loop and addresses for each round of the unrolled reduction.
    double per_step = cycles(inner + 6.0 / plan_.schedule.unroll, in_steps);
    return tiles * ((nest_.reduced >= 0 ? steps * per_step : 0) + cycles(outer + 4, around));
  }

  // Bits of the lane, so that of two axes each has lanes whose neighbours (next, or next but one) read the same address
  // of the other axis: then two quarters of a warp share what shared memory delivers.
  void apply(const Deal& d) {
    bool a_first = d.lanes_a >= d.lanes_b;
    int first = a_first ? d.a : d.b, second = a_first ? d.b : d.a;
    int64_t first_lanes = a_first ? d.lanes_a : d.lanes_b, second_lanes = a_first ? d.lanes_b : d.lanes_a;
    std::array<std::vector<int32_t>, 2> bits;
    int32_t bit = 0;
    auto give = [&](int which, int64_t lanes) {
      if ((int64_t{1} << bits[which].size()) < lanes) bits[which].push_back(bit++);
    };
    give(0, first_lanes);
    give(1, second_lanes);
    for (int64_t n = 2; n < first_lanes; n *= 2) give(0, first_lanes);
    for (int64_t n = 2; n < second_lanes; n *= 2) give(1, second_lanes);
    unroll(d.tile_a * d.tile_b);
    if (d.a >= 0) set_tile(d.a, d.tile_a);
    if (d.b >= 0) set_tile(d.b, d.tile_b);
    if (first >= 0) set_lanes(first, first_lanes, bits[0]);
    if (second >= 0) set_lanes(second, second_lanes, bits[1]);
    idle(first_lanes * second_lanes, plan_.schedule.lanes_of_member());
  }

  // A round of a small tile is unrolled further, until it is worth the loop around it.
  void unroll(int64_t points) {
    if (nest_.reduced < 0) return;
    int64_t steps = plan_.schedule.unroll;
    while (points * steps < work_of_round && steps < longest_unroll && steps * 2 <= nest_.axes.back().extent)
      steps *= 2;
    if (steps > plan_.schedule.unroll) binding_.axes.back().tile = static_cast<int32_t>(steps);
  }

  void set_tile(int axis, int64_t tile) {
    AxisBinding& b = binding_.axes[axis];
    b.tile = static_cast<int32_t>(tile);
    b.vector = tile % 4 == 0 ? 4 : tile % 2 == 0 ? 2 : 1;
    b.vector = std::min(b.vector, plan_.access);
  }

  // The eight lanes of a quarter warp should be four rows apart, because rows are swizzled by fours: where a thread has
  // fewer than four neighbouring points, the low bits of the thread come from the last lane bits.
  void set_lanes(int axis, int64_t lanes, const std::vector<int32_t>& bits) {
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
  std::vector<bool> feeds_reduction_;
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
