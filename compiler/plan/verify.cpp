// The verifier of plans: what lowering relies on.
#include <algorithm>

#include "compiler/plan/bind.h"
#include "compiler/support/error.h"

namespace shoal::plan {
namespace {

// Smallest and largest value of an index over all points of the nest.
std::pair<int64_t, int64_t> range(const Plan& plan, const Nest& nest, const Index& index) {
  int64_t low = index.offset, high = index.offset;
  for (const Term& term : index.terms) {
    size_t axes = nest.axes.size(), a = static_cast<size_t>(term.axis);
    if (term.axis == time_axis) {
      check(nest.loop >= 0, "nest '{}' names the time of a loop and stands in none", nest.name);
      (term.factor < 0 ? low : high) += term.factor * (plan.loops[nest.loop].extent - 1);
      continue;
    }
    int64_t extent = a < axes ? nest.axes[a].extent : nest.quotients[a - axes].extent;
    (term.factor < 0 ? low : high) += term.factor * (extent - 1);
  }
  return {low, high};
}

void check_access(const Plan& plan, const Nest& nest, const Access& access, bool guarded) {
  check(access.value >= 0 && access.value < static_cast<int32_t>(plan.values.size()), "nest '{}' names no value",
        nest.name);
  const Value& value = plan.values[access.value];
  check(access.dims.size() == value.dims.size(), "nest '{}': {} indices for '{}'", nest.name, access.dims.size(),
        value.name);
  check(!value.varies.sample || nest.sample_axis(), "nest '{}' reads '{}' without a sample axis", nest.name,
        value.name);
  if (guarded) return;
  int64_t last = 0, size = element_count(value.dims);
  for (size_t d = 0; d < access.dims.size(); ++d) {
    auto [low, high] =
        d == 0 && access.indirect >= 0 ? std::pair{int64_t{0}, value.dims[0] - 1} : range(plan, nest, access.dims[d]);
    check(low >= 0, "nest '{}': index {} of '{}' starts at {}", nest.name, d, value.name, low);
    check(value.row_major || high < value.dims[d], "nest '{}': index {} of '{}' reaches {}", nest.name, d, value.name,
          high);
    last = last * value.dims[d] + high;
  }
  check(last < size, "nest '{}' reads element {} of '{}', which has {}", nest.name, last, value.name, size);
}

}  // namespace

// Tensor cores: the lanes as kernel/tensor.h has them, for a nest that is a contraction over rows and columns.
void check_mma(const Plan& plan, const Nest& nest, const Binding& binding) {
  if (binding.mma_rows < 0 && binding.mma_columns < 0) return;
  const std::optional<Contraction> c = contraction_of(plan, nest);
  check(c.has_value() && plan.schedule.lanes() == 32 && plan.schedule.precision != Precision::f32,
        "nest '{}' is no contraction for tensor cores", nest.name);
  const auto parallel = [&](int32_t axis) { return axis >= 0 && axis < nest.parallel_count(); };
  check(parallel(binding.mma_rows) && parallel(binding.mma_columns), "nest '{}': rows and columns are parallel axes",
        nest.name);
  const uint32_t rows = 1u << binding.mma_rows, columns = 1u << binding.mma_columns;
  const bool as_written = (c->a_axes & rows) && (c->b_axes & columns) && !(c->a_axes & columns) && !(c->b_axes & rows);
  const bool swapped = (c->b_axes & rows) && (c->a_axes & columns) && !(c->b_axes & columns) && !(c->a_axes & rows);
  check(as_written || swapped, "nest '{}': rows and columns are not those of its two factors", nest.name);
  const auto bound = [&](size_t axis, const std::vector<int32_t>& bits, int32_t least) {
    const AxisBinding& b = binding.axes[axis];
    check(b.lane_bits == bits && b.lane_count == 1 << bits.size() && b.padded && b.tile % least == 0 &&
              b.vector % least == 0 && b.tile % b.vector == 0,
          "nest '{}': axis '{}' is not bound as tensor cores have it", nest.name, nest.axes[axis].name);
  };
  bound(static_cast<size_t>(binding.mma_rows), {2, 3, 4}, 1);
  bound(static_cast<size_t>(binding.mma_columns), {0, 1}, 2);
  bound(nest.axes.size() - 1, {0, 1}, plan.schedule.precision == Precision::bf16 ? 4 : 2);
}

// Lanes that share a sum: they are among those without a parallel axis, and all of them come to the exchange.
void check_shared_sum(const Plan& plan, const Nest& nest, const Binding& binding) {
  if (binding.mma_rows >= 0) return;
  const auto points = [&](size_t a) { return nest.axes[a].sample ? plan.chunk : nest.axes[a].extent; };
  const auto parallel = static_cast<size_t>(nest.parallel_count());
  size_t shared = 0;
  for (size_t a = parallel; a < nest.axes.size(); ++a) {
    const AxisBinding& sum = binding.axes[a];
    if (sum.lane_count == 1) continue;
    check(++shared == 1, "nest '{}': lanes share a sum over one axis only", nest.name);
    check(binding.idle_lanes % sum.lane_count == 0 && plan.batch % plan.chunk == 0 &&
              points(a) % (int64_t{sum.lane_count} * sum.vector) == 0,
          "nest '{}': the steps of its sum are not dealt to lanes without a rest", nest.name);
    check(plan.access > 1 || (sum.lane_count == plan.schedule.lanes() && binding.idle_warps == 1),
          "nest '{}': not all lanes of a vector share its sum", nest.name);
  }
  if (shared == 0) return;
  for (size_t a = 0; a < parallel; ++a)
    check(binding.axes[a].lane_count == 1 || points(a) % binding.axes[a].threads == 0,
          "nest '{}': not all lanes exchange their sums", nest.name);
}

// A tile has whole windows, and accumulators name points of them.
void check_windows(const Nest& nest, const Binding& binding) {
  std::vector<int64_t> extents;
  for (size_t a = 0; a < nest.axes.size(); ++a) {
    if (!nest.axes[a].window) continue;
    extents.push_back(nest.axes[a].extent);
    check(!nest.axes[a].reduced && binding.axes[a].threads == 1 && binding.axes[a].tile == nest.axes[a].extent,
          "nest '{}': not all of window '{}' stands in one tile", nest.name, nest.axes[a].name);
  }
  for (const Scalar& s : nest.body) {
    if (s.kind != Scalar::Kind::accumulator) continue;
    check(s.access.dims.size() == extents.size(), "nest '{}': an accumulator of {} indices, its windows have {}",
          nest.name, s.access.dims.size(), extents.size());
    for (size_t d = 0; d < extents.size(); ++d)
      check(s.access.dims[d].terms.empty() && s.access.dims[d].offset >= 0 && s.access.dims[d].offset < extents[d],
            "nest '{}': an accumulator outside of the window", nest.name);
  }
}

void check_binding(const Plan& plan, const Nest& nest, const Binding& binding) {
  check_windows(nest, binding);
  check_mma(plan, nest, binding);
  check_shared_sum(plan, nest, binding);
}

void verify(const Plan& plan) {
  std::vector<bool> known(plan.values.size(), false);
  for (const PlanArgument& argument : plan.arguments) known[argument.value] = !argument.is_output;
  int region = 0;
  Phase phase = Phase::before;
  for (const Nest& nest : plan.nests) {
    check(nest.phase >= phase, "nest '{}' stands after a later phase", nest.name);
    phase = nest.phase;
    check(nest.region >= region, "nest '{}' stands after a later region", nest.name);
    region = nest.region;
    check(std::is_sorted(nest.axes.begin(), nest.axes.end(),
                         [](const Axis& a, const Axis& b) { return a.reduced < b.reduced; }),
          "nest '{}' has a reduced axis before a parallel one", nest.name);
    check(!nest.stores.empty(), "nest '{}' stores nothing", nest.name);
    const size_t number = static_cast<size_t>(&nest - plan.nests.data());
    if (number < plan.bindings.size()) check_binding(plan, nest, plan.bindings[number]);
    for (size_t i = 0; i < nest.body.size(); ++i) {
      const Scalar& s = nest.body[i];
      for (int32_t arg : s.args)
        check(arg < static_cast<int32_t>(i), "nest '{}': %{} uses a later scalar", nest.name, i);
      if (s.kind != Scalar::Kind::load) continue;
      check_access(plan, nest, s.access, !s.guards.empty());
      check(known[s.access.value], "nest '{}' reads '{}' before it is made", nest.name,
            plan.values[s.access.value].name);
    }
    for (const Store& store : nest.stores) {
      check_access(plan, nest, store.access, false);
      known[store.access.value] = true;
    }
  }
}

}  // namespace shoal::plan
