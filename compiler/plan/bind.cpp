// Bind: spreads each nest's axes over warps and lanes in the schedule's order of preference.
//
// Lanes (warps) that the schedule gives to `sample` go to the sample axis where it is a parallel axis of the nest, else
// to a unit axis; those that it gives to `unit` go to a unit axis, else to the sample axis. A nest without parallel
// axes repeats its work in all of them. Where members are in lanes, no axis of any nest is spread.
#include "compiler/plan/bind.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

namespace shoal::plan {
namespace {

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

// The parallel axis for a slot: its own kind first; among unit axes the best filled one, at a tie the innermost (its
// elements are neighbours in memory) or, where wide accesses shall find whole rows, the outermost. Windows are not
// dealt. -1 when the nest has no parallel axis.
int pick_axis(const Nest& nest, const Binding& binding, const Slot& slot, bool by_rows, bool whole_rows) {
  int sample = -1, unit = -1;
  double best = 0;
  for (int a = 0; a < nest.parallel_count(); ++a) {
    const Axis& axis = nest.axes[a];
    if (axis.window) continue;
    int64_t threads = int64_t{binding.axes[a].threads} * slot.count;
    // An axis that already has lanes of the other slot is a last choice.
    double value = utilisation(axis.extent, threads) / (binding.axes[a].threads > 1 ? 4 : 1);
    if (axis.sample) {
      sample = a;
    } else if (whole_rows ? value > best : value >= best) {
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
  // Two slots on one axis: the faster one is given first, so together they are one run of lanes.
  if (warps) {
    if (axis.warp_count == 1) axis.warp_div = slot.div;
    axis.warp_count *= slot.count;
    return;
  }
  axis.lane_count *= slot.count;
  for (int bit = 1; bit < slot.count; bit *= 2)
    axis.lane_bits.push_back(std::countr_zero(static_cast<uint32_t>(slot.div * bit)));
}

// Where every thread has a member of its own and the member is tiny, nothing is left to a loop, so that all of it can
// be in registers.
constexpr int64_t unrolled_points = 8192, unrolled_elements = 192;

bool is_tiny(const Plan& plan) {
  if (plan.access == 1 || !plan.schedule.members_in_lanes() || !plan.loops.empty() || plan.chunk < plan.batch)
    return false;
  int64_t points = 0, elements = 0;
  for (const Nest& nest : plan.nests) {
    int64_t count = static_cast<int64_t>(nest.body.size());
    for (const Axis& axis : nest.axes) count *= axis.extent;
    points += count;
  }
  for (const Value& value : plan.values)
    if (value.varies.member) elements += element_count(value.dims) * (value.varies.sample ? plan.batch : 1);
  return points <= unrolled_points && elements <= unrolled_elements;
}

void unroll(const Nest& nest, Binding& binding) {
  for (size_t a = 0; a < nest.axes.size(); ++a) binding.axes[a].tile = static_cast<int32_t>(nest.axes[a].extent);
}

// Gives the schedule's lanes, or its warps, to axes; what finds none only repeats the work of others.
void deal(const Plan& plan, const Nest& nest, bool warps, bool whole_rows, Binding& binding) {
  for (const Slot& slot : slots_of(plan.schedule, warps)) {
    const bool by_rows = slot.sample && !warps && copies_rows(nest, slot.count);
    const int axis = pick_axis(nest, binding, slot, by_rows, whole_rows);
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

}  // namespace

Binding bind_along_samples(const Plan& plan, const Nest& nest) {
  Binding binding;
  binding.axes.resize(nest.axes.size());
  const auto samples = std::find_if(nest.axes.begin(), nest.axes.end(), [](const Axis& axis) { return axis.sample; });
  for (const Slot& slot : slots_of(plan.schedule, false))
    give(binding.axes[static_cast<size_t>(samples - nest.axes.begin())], slot, false);
  binding.idle_lanes = plan.schedule.lanes();
  deal(plan, nest, true, false, binding);
  choose_tile(plan, nest, binding);
  return binding;
}

Binding bind_nest(const Plan& plan, const Nest& nest) {
  Binding binding;
  binding.axes.resize(nest.axes.size());
  bool wide = plan.access > 1 && !plan.schedule.members_in_lanes();
  if (!plan.schedule.members_in_lanes()) {
    if (!wide) deal(plan, nest, false, wide, binding);  // else spread_lanes() does
    deal(plan, nest, true, wide, binding);
  }
  if (wide && plan.schedule.precision != Precision::f32 && bind_mma(plan, nest, binding)) return binding;
  if (wide)
    spread_lanes(plan, nest, binding);
  else
    choose_tile(plan, nest, binding);
  return binding;
}

int64_t points_of_thread(const AxisBinding& axis, int64_t extent) {
  if (!axis.padded) return ceil_div(extent, axis.threads);
  int64_t count = 0;
  for (int64_t t = 0; t < axis.tile; ++t)
    count += (t / axis.vector * axis.lane_count * axis.vector + t % axis.vector) < extent;
  return count;
}

void bind(Plan& plan) {
  if (plan.access > 1) lay_out_for_wide_access(plan), order_reductions(plan);
  plan.bindings.clear();
  bool tiny = is_tiny(plan);
  for (const Nest& nest : plan.nests) {
    plan.bindings.push_back(bind_nest(plan, nest));
    if (tiny) unroll(nest, plan.bindings.back());
  }
}

}  // namespace shoal::plan
