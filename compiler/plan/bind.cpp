// Bind: spreads each nest's axes over warps and lanes in the schedule's order of preference, and gives it a register
// tile.
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
// elements are neighbours in memory) or, where wide accesses shall find whole rows, the outermost. -1 when the nest has
// no parallel axis.
int pick_axis(const Nest& nest, const Binding& binding, const Slot& slot, bool by_rows, bool whole_rows) {
  int sample = -1, unit = -1;
  double best = 0;
  for (int a = 0; a < nest.parallel_count(); ++a) {
    const Axis& axis = nest.axes[a];
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

using Tile = std::vector<int>;  // by axis

// Points of each axis that one element of a load serves: none where the index names the axis, and the divisor's where a
// quotient does.
void see_axes(const Nest& nest, const Index& index, int64_t divisor, std::vector<int64_t>& served) {
  for (const Term& term : index.terms) {
    if (term.axis == time_axis) continue;
    size_t a = static_cast<size_t>(term.axis), axes = nest.axes.size();
    if (a < axes)
      served[a] = std::min(served[a], divisor);
    else
      see_axes(nest, nest.quotients[a - axes].numerator, nest.quotients[a - axes].divisor, served);
  }
}

}  // namespace

std::vector<bool> with_operands(const Nest& nest, std::vector<bool> wanted) {
  for (size_t i = nest.body.size(); i-- > 0;) {
    const Scalar& s = nest.body[i];
    if (!wanted[i]) continue;
    for (const int32_t from : {s.args[0], s.args[1], s.args[2], s.access.indirect})
      if (from >= 0) wanted[from] = true;
  }
  return wanted;
}

std::vector<bool> summed_scalars(const Nest& nest) {
  std::vector<bool> summed(nest.body.size(), false);
  if (nest.reduced >= 0) summed[nest.reduced] = true;
  return with_operands(nest, std::move(summed));
}

double elements_of_tile(const Plan& plan, const Nest& nest, const Scalar& load, const Tile& tile) {
  std::vector<int64_t> served(tile.begin(), tile.end());
  for (const Index& index : load.access.dims) see_axes(nest, index, 1, served);
  double elements = 1;
  for (size_t a = 0; a < tile.size(); ++a)
    elements *= static_cast<double>(nest.axes[a].sample && plan.values[load.access.value].varies.sample
                                        ? tile[a]
                                        : ceil_div(tile[a], std::max<int64_t>(served[a], 1)));
  return elements;
}

namespace {

// Distinct loads per iteration of the reduction: what register reuse leaves.
double tile_loads(const Plan& plan, const Nest& nest, const Tile& tile) {
  double loads = 0;
  // What the reduced scalar is computed from; the epilogue's loads are made once, not in every iteration.
  const std::vector<bool> summed = summed_scalars(nest);
  for (size_t i = nest.body.size(); i-- > 0;)
    if (summed[i] && nest.body[i].kind == Scalar::Kind::load) loads += elements_of_tile(plan, nest, nest.body[i], tile);
  return loads;
}

// By axis: how many neighbouring points must stand in one body so that a quotient's rest is known for each of them.
Tile phases_of(const Nest& nest, const Binding& binding) {
  Tile phases(nest.axes.size(), 1);
  for (const Quotient& q : nest.quotients)
    for (const Term& term : q.numerator.terms) {
      if (term.axis >= static_cast<int32_t>(nest.axes.size())) continue;
      int64_t phase = q.divisor / std::gcd(q.divisor, term.factor);
      if (phase > largest_phase || binding.axes[term.axis].threads > 1) return Tile(nest.axes.size(), 1);
      phases[term.axis] = static_cast<int>(std::lcm<int64_t>(phases[term.axis], phase));
    }
  return phases;
}

// The largest tile up to `wanted` that divides the points of a thread, unless that is under half of it.
int fit_tile(int64_t points, int wanted) {
  int tile = static_cast<int>(std::min<int64_t>(points, wanted));
  for (int t = tile; t * 2 > tile; --t)
    if (points % t == 0) return t;
  return tile;
}

// A body that holds all phases of a quotient's axes; what they leave of the budget goes to the axis with the most
// reuse.
void tile_phases(const Plan& plan, const Nest& nest, const Tile& phases, int budget, Binding& binding) {
  size_t parallel = static_cast<size_t>(nest.parallel_count());
  int held = 1;
  for (size_t a = 0; a < parallel; ++a) held *= phases[a];
  Tile best = phases;
  double best_work = 0;
  for (size_t a = 0; a < parallel; ++a) {
    Tile tile = phases;
    int64_t points = ceil_div(nest.axes[a].extent, int64_t{binding.axes[a].threads} * phases[a]);
    const int bodies = fit_tile(points, std::max(1, budget / held));
    tile[a] *= bodies;
    const double work = bodies / tile_loads(plan, nest, tile);
    if (work > best_work) best_work = work, best = tile;
  }
  for (size_t a = 0; a < best.size(); ++a) binding.axes[a].tile = best[a];
}

// Independent sums that hide the latency of a CPU's multiply-adds: two start in a cycle and take four. More of them
// only pay where they share what they read; else they crowd registers.
constexpr int enough_sums = 8;

void choose_tile(const Plan& plan, const Nest& nest, Binding& binding) {
  const Schedule& schedule = plan.schedule;
  auto points = [&](int a) { return ceil_div(nest.axes[a].extent, binding.axes[a].threads); };
  int parallel = nest.parallel_count();
  if (parallel == 0) return;
  int budget = schedule.tile_sample * schedule.tile_unit;
  if (Tile phases = phases_of(nest, binding); std::any_of(phases.begin(), phases.end(), [](int p) { return p > 1; }))
    return tile_phases(plan, nest, phases, budget, binding);
  if (nest.reduced < 0) {  // no reuse to win: a few independent points along the innermost axis hide latency
    int inner = parallel - 1;
    while (inner > 0 && points(inner) == 1) --inner;
    binding.axes[inner].tile = fit_tile(points(inner), std::min(4, budget * schedule.sums));
    return;
  }
  // A row of points reads an operand for each, however long it is.
  const int row_budget = plan.access == 1 ? std::min(budget, enough_sums) : budget;
  double best = 0;
  int widest = 0;
  for (int a = 0; a < parallel; ++a) {
    for (int b = a + 1; b < parallel; ++b) {
      // Of two orientations with as many loads the schedule's, but over units alone, as in the gradient of weights, the
      // one with longer rows: weights and an optimizer's moments beside them are read and written in longer runs.
      const bool rows_matter = !nest.axes[a].sample && !nest.axes[b].sample;
      for (auto [wa, wb] :
           {std::pair{schedule.tile_sample, schedule.tile_unit}, std::pair{schedule.tile_unit, schedule.tile_sample}}) {
        int ta = fit_tile(points(a), wa), tb = fit_tile(points(b), wb);
        // What a short axis cannot use of the tile, the other may: the accumulators are what hides latency.
        if (ta < wa) tb = fit_tile(points(b), budget / ta);
        if (tb < wb) ta = fit_tile(points(a), budget / tb);
        if (tb == 1) ta = fit_tile(points(a), row_budget);
        if (ta == 1) tb = fit_tile(points(b), row_budget);
        Tile tile(nest.axes.size(), 1);
        tile[a] = ta, tile[b] = tb;
        const double work_per_load = ta * tb / tile_loads(plan, nest, tile);
        if (work_per_load < best || (work_per_load == best && !(rows_matter && tb > widest))) continue;
        best = work_per_load, widest = tb;
        for (AxisBinding& axis : binding.axes) axis.tile = 1;
        binding.axes[a].tile = ta, binding.axes[b].tile = tb;
      }
    }
  }
  if (parallel == 1) binding.axes[0].tile = fit_tile(points(0), row_budget);
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
