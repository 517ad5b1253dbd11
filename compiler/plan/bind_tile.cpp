// Bind: a nest's register tile, the points of a thread that share what they read and hide each other's latency.
#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "compiler/plan/bind.h"
#include "compiler/plan/vector_cycles.h"

namespace shoal::plan {
namespace {

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

// Points of an axis that a thread has at a time: of the samples, those of a chunk.
int64_t points_of(const Plan& plan, const Nest& nest, const Binding& binding, size_t axis) {
  const int64_t extent = nest.axes[axis].sample ? std::min(plan.chunk, nest.axes[axis].extent) : nest.axes[axis].extent;
  return ceil_div(extent, binding.axes[axis].threads);
}

// Independent sums that hide the latency of a CPU's multiply-adds: two start in a cycle and take four. More of them
// only pay where they share what they read; else they crowd registers.
constexpr int enough_sums = 8;

// Cycles that all tiles of a CPU's nest take for one step of the reduction: full ones, and the smaller ones that are
// left at the ends of the axes.
double cycles_of_tiles(const Plan& plan, const Nest& nest, const Binding& binding, const Tile& full) {
  const std::function<double(size_t, Tile)> from = [&](size_t axis, Tile tile) -> double {
    if (axis == static_cast<size_t>(nest.parallel_count())) {
      const double points = std::accumulate(tile.begin(), tile.end(), 1.0, std::multiplies<>());
      return vector_cycles::of_step(points * vector_cycles::arithmetic,
                                    tile_loads(plan, nest, tile) * vector_cycles::load);
    }
    const int64_t points = points_of(plan, nest, binding, axis), rest = points % full[axis];
    double cycles = static_cast<double>(points / full[axis]) * from(axis + 1, tile);
    tile[axis] = static_cast<int>(rest);
    return rest == 0 ? cycles : cycles + from(axis + 1, tile);
  };
  return from(0, full);
}

// A tile that leaves a rest must be better by this, or the code for the rest is not worth it.
constexpr double worth_a_rest = 0.96;

// The schedule's tile along two axes as it is where that is better than tiles that divide the axes: twelve sums hide
// more latency, and share more of what they read, than the eight that thirty-two units divide into.
void leave_rest(const Plan& plan, const Nest& nest, Binding& binding) {
  const int parallel = nest.parallel_count();
  Tile chosen(nest.axes.size(), 1);
  for (int a = 0; a < parallel; ++a) chosen[a] = binding.axes[a].tile;
  double least = worth_a_rest * cycles_of_tiles(plan, nest, binding, chosen);
  const int sample = plan.schedule.tile_sample, unit = plan.schedule.tile_unit;
  for (int a = 0; a < parallel; ++a)
    for (int b = a + 1; b < parallel; ++b)
      for (const auto& [wa, wb] : {std::pair{sample, unit}, std::pair{unit, sample}}) {
        const int64_t points_a = points_of(plan, nest, binding, a), points_b = points_of(plan, nest, binding, b);
        int64_t ta = std::min<int64_t>(points_a, wa), tb = std::min<int64_t>(points_b, wb);
        if (ta < wa) tb = std::min(points_b, sample * unit / ta);
        if (tb < wb) ta = std::min(points_a, sample * unit / tb);
        if (ta == 1 || tb == 1) continue;
        Tile tile(nest.axes.size(), 1);
        tile[a] = static_cast<int>(ta), tile[b] = static_cast<int>(tb);
        const double cycles = cycles_of_tiles(plan, nest, binding, tile);
        if (cycles >= least) continue;
        least = cycles;
        for (int c = 0; c < parallel; ++c) binding.axes[c].tile = tile[c];
      }
}

// Whole windows, and of one axis as many points as take the fewest cycles. Of what the tile may hold, one operand for
// each point of a window is as much as a sum.
void tile_windows(const Plan& plan, const Nest& nest, int budget, Binding& binding) {
  Tile window(nest.axes.size(), 1);
  int held = 1;
  for (size_t a = 0; a < nest.axes.size(); ++a)
    if (nest.axes[a].window) window[a] = static_cast<int>(nest.axes[a].extent), held *= window[a];
  Tile best = window;
  double least = cycles_of_tiles(plan, nest, binding, window);
  for (int a = 0; a < nest.parallel_count(); ++a)
    for (int t = 2;
         !nest.axes[a].window && t <= std::min<int64_t>(budget / held - 1, points_of(plan, nest, binding, a)); ++t) {
      Tile tile = window;
      tile[a] = t;
      const double cycles = cycles_of_tiles(plan, nest, binding, tile);
      if (cycles < least) least = cycles, best = tile;
    }
  for (size_t a = 0; a < best.size(); ++a) binding.axes[a].tile = best[a];
}

}  // namespace

void choose_tile(const Plan& plan, const Nest& nest, Binding& binding) {
  const Schedule& schedule = plan.schedule;
  auto points = [&](int a) { return points_of(plan, nest, binding, a); };
  int parallel = nest.parallel_count();
  if (parallel == 0) return;
  int budget = schedule.tile_sample * schedule.tile_unit;
  if (Tile phases = phases_of(nest, binding); std::any_of(phases.begin(), phases.end(), [](int p) { return p > 1; }))
    return tile_phases(plan, nest, phases, budget, binding);
  if (std::ranges::any_of(nest.axes, &Axis::window)) return tile_windows(plan, nest, budget, binding);
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
  if (plan.access == 1) leave_rest(plan, nest, binding);
}

}  // namespace shoal::plan
