// Bind: spreads each nest's axes over warps and lanes in the schedule's order of preference, and gives it a register
// tile.
//
// Lanes (warps) that the schedule gives to `sample` go to the sample axis where it is a parallel axis of the nest, else
// to a unit axis; those that it gives to `unit` go to a unit axis, else to the sample axis. A nest without parallel
// axes repeats its work in all of them. Where members are in lanes, no axis of any nest is spread.
#include <algorithm>

#include "compiler/plan/plan.h"

namespace shoal::plan {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Lanes of a level that go to one population axis.
struct Slot {
  bool sample;
  int count;  // lanes or warps
  int div;    // what is faster: (lane / div) % count
};

std::vector<Slot> slots_of(const Schedule& schedule, bool warps) {
  std::vector<Slot> slots;
  int div = 1;
  for (PopulationAxis axis : {PopulationAxis::unit, PopulationAxis::sample}) {
    int count = warps ? schedule[axis].warp : schedule[axis].lane;
    if (count > 1) slots.push_back({axis == PopulationAxis::sample, count, div});
    div *= count;
  }
  return slots;
}

// Share of threads with work when n points are dealt to them.
double utilisation(int64_t n, int64_t threads) {
  return static_cast<double>(n) / static_cast<double>(ceil_div(n, threads) * threads);
}

// The parallel axis for a slot: its own kind first; among unit axes the best filled one, the innermost at a tie (its
// elements are neighbours in memory). -1 when the nest has no parallel axis.
int pick_axis(const Nest& nest, const Binding& binding, const Slot& slot, bool by_rows) {
  int sample = -1, unit = -1;
  double best = 0;
  for (int a = 0; a < nest.parallel_count(); ++a) {
    const Axis& axis = nest.axes[a];
    int64_t threads = int64_t{binding.axes[a].threads} * slot.count;
    // An axis that already has lanes of the other slot is a last choice.
    double value = utilisation(axis.extent, threads) / (binding.axes[a].threads > 1 ? 4 : 1);
    if (axis.sample) {
      sample = a;
    } else if (value >= best) {
      best = value, unit = a;
    }
  }
  if (by_rows && unit >= 0) return unit;
  return slot.sample ? (sample >= 0 ? sample : unit) : (unit >= 0 ? unit : sample);
}

// A nest that copies rows which samples choose (a gather) reads neighbours along the row, not along samples.
bool copies_rows(const Nest& nest, int lanes) {
  if (nest.reduced >= 0) return false;
  for (const Scalar& s : nest.body) {
    if (s.kind != Scalar::Kind::load || s.access.indirect < 0 || s.access.dims.size() < 2) continue;
    for (const Term& term : s.access.dims.back().terms)
      if (term.factor == 1 && term.axis < static_cast<int32_t>(nest.axes.size()) &&
          nest.axes[term.axis].extent >= lanes)
        return true;
  }
  return false;
}

void give(AxisBinding& axis, const Slot& slot, bool warps) {
  axis.threads *= slot.count;
  int32_t& count = warps ? axis.warp_count : axis.lane_count;
  int32_t& div = warps ? axis.warp_div : axis.lane_div;
  // Two slots on one axis: the faster one is given first, so together they are one run of lanes.
  if (count == 1) div = slot.div;
  count *= slot.count;
}

// Distinct loads per iteration of the reduction for tiles on axes a and b: what register reuse leaves.
double tile_loads(const Plan& plan, const Nest& nest, int a, int ta, int b, int tb) {
  double loads = 0;
  for (const Scalar& s : nest.body) {
    if (s.kind != Scalar::Kind::load) continue;
    bool names_a = false, names_b = false;
    auto see = [&](const Index& index) {
      for (const Term& term : index.terms) {
        names_a = names_a || term.axis == a;
        names_b = names_b || term.axis == b;
      }
    };
    for (const Index& index : s.access.dims) see(index);
    if (plan.values[s.access.value].varies.sample) {
      names_a = names_a || nest.axes[a].sample;
      names_b = names_b || nest.axes[b].sample;
    }
    loads += (names_a ? ta : 1) * (names_b ? tb : 1);
  }
  return loads;
}

// The largest tile up to `wanted` that divides the points of a thread, unless that is under half of it.
int fit_tile(int64_t points, int wanted) {
  int tile = static_cast<int>(std::min<int64_t>(points, wanted));
  for (int t = tile; t * 2 > tile; --t)
    if (points % t == 0) return t;
  return tile;
}

void choose_tile(const Plan& plan, const Nest& nest, Binding& binding) {
  const Schedule& schedule = plan.schedule;
  auto points = [&](int a) { return ceil_div(nest.axes[a].extent, binding.axes[a].threads); };
  int parallel = nest.parallel_count();
  if (parallel == 0) return;
  int budget = schedule.tile_sample * schedule.tile_unit;
  if (nest.reduced < 0) {  // no reuse to win: a few independent points along the innermost axis hide latency
    binding.axes[parallel - 1].tile = fit_tile(points(parallel - 1), std::min(4, budget));
    return;
  }
  double best = 0;
  for (int a = 0; a < parallel; ++a) {
    for (int b = a + 1; b < parallel; ++b) {
      for (auto [wa, wb] :
           {std::pair{schedule.tile_sample, schedule.tile_unit}, std::pair{schedule.tile_unit, schedule.tile_sample}}) {
        int ta = fit_tile(points(a), wa), tb = fit_tile(points(b), wb);
        // What a short axis cannot use of the tile, the other may: the accumulators are what hides latency.
        if (ta < wa) tb = fit_tile(points(b), budget / ta);
        if (tb < wb) ta = fit_tile(points(a), budget / tb);
        double work_per_load = ta * tb / tile_loads(plan, nest, a, ta, b, tb);
        if (work_per_load <= best) continue;
        best = work_per_load;
        for (AxisBinding& axis : binding.axes) axis.tile = 1;
        binding.axes[a].tile = ta, binding.axes[b].tile = tb;
      }
    }
  }
  if (parallel == 1) binding.axes[0].tile = fit_tile(points(0), budget);
}

}  // namespace

void bind(Plan& plan) {
  plan.bindings.clear();
  for (const Nest& nest : plan.nests) {
    Binding binding;
    binding.axes.resize(nest.axes.size());
    if (!plan.schedule.members_in_lanes()) {
      for (bool warps : {false, true}) {
        for (const Slot& slot : slots_of(plan.schedule, warps)) {
          bool by_rows = slot.sample && !warps && copies_rows(nest, slot.count);
          int axis = pick_axis(nest, binding, slot, by_rows);
          if (axis >= 0) {
            give(binding.axes[axis], slot, warps);
          } else {
            int32_t& idle = warps ? binding.idle_warps : binding.idle_lanes;
            int32_t& div = warps ? binding.idle_warp_div : binding.idle_lane_div;
            if (idle == 1) div = slot.div;
            idle *= slot.count;
          }
        }
      }
    }
    choose_tile(plan, nest, binding);
    plan.bindings.push_back(std::move(binding));
  }
}

}  // namespace shoal::plan
