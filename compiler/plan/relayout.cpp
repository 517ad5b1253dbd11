// Relayout: where the lanes of one nest run along samples and those of another along units, a value is kept in two
// layouts.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/plan/plan.h"

namespace shoal::plan {
namespace {

// Registers that lanes are summed in: one for each, and as many more for a while.
constexpr int64_t most_lanes_across = 16;

enum class Along : uint8_t { neither, samples, units };

// The axis along which the lanes of a nest walk through a value.
Along walk(const Nest& nest, const Binding& binding, const Access& access) {
  for (size_t a = 0; a < nest.axes.size(); ++a) {
    if (binding.axes[a].lane_count == 1) continue;
    if (nest.axes[a].sample) return Along::samples;
    if (access.dims.empty()) continue;
    for (const Term& term : access.dims.back().terms)
      if (term.axis == static_cast<int32_t>(a) && term.factor == 1) return Along::units;
  }
  return Along::neither;
}

double points(const Nest& nest) {
  double count = 1;
  for (const Axis& axis : nest.axes) count *= static_cast<double>(axis.extent);
  return count;
}

// Whether a nest is the sum of a value over samples, with a lane for each element of its last dimension, that may as
// well be taken across the lanes.
bool may_sum_across(const Plan& plan, size_t n, int32_t value) {
  const Nest& nest = plan.nests[n];
  const Binding& binding = plan.bindings[n];
  const int64_t lanes = plan.schedule.lanes();
  if (nest.reduced < 0 || nest.reduction != Reduction::sum || lanes > most_lanes_across) return false;
  if (plan.chunk % lanes != 0 || plan.batch % plan.chunk != 0) return false;
  const Scalar& operand = nest.body[nest.reduced];
  if (operand.kind != Scalar::Kind::load || operand.access.value != value || operand.access.indirect >= 0) return false;
  if (!operand.guards.empty() || !nest.axes.back().sample || nest.parallel_count() + 1 != std::ssize(nest.axes))
    return false;
  for (size_t a = 0; a + 1 < nest.axes.size(); ++a) {
    const AxisBinding& axis = binding.axes[a];
    const bool has_lanes = axis.lane_count == lanes;
    // Lanes exchange what they have only where all of them are.
    if ((axis.lane_count > 1 && !has_lanes) || nest.axes[a].extent % axis.threads != 0) return false;
    for (size_t d = 0; d < operand.access.dims.size(); ++d) {
      const Index& index = operand.access.dims[d];
      const bool named =
          std::ranges::any_of(index.terms, [&](const Term& t) { return t.axis == static_cast<int32_t>(a); });
      if (has_lanes && named != (d + 1 == operand.access.dims.size())) return false;
    }
  }
  return binding.axes.back().lane_count == 1 && binding.idle_lanes == 1;
}

struct Use {
  double samples = 0, units = 0;  // loads whose lanes walk along samples, along units
  double summed = 0;              // of those along units: in sums that may be taken across lanes
  Along made = Along::neither;    // how the nest that makes the value walks
  size_t maker = 0;
  std::vector<size_t> across;  // nests whose loads along units may be sums across lanes
  bool alike = true;    // all nests that make it are in one region and loop, and walk alike, each through a part of it
  bool sliced = false;  // made slice by slice in a loop over time
};

// Whether two stores write parts of a value that lie apart: pieces of a concatenation.
bool apart(const Access& a, const Access& b) {
  for (size_t d = 0; d < a.dims.size(); ++d)
    if (a.dims[d].offset != b.dims[d].offset) return true;
  return false;
}

Use uses_of(const Plan& plan, int32_t value) {
  Use use;
  const Store* last = nullptr;
  for (size_t n = 0; n < plan.nests.size(); ++n) {
    const Nest& nest = plan.nests[n];
    for (const Scalar& s : nest.body) {
      if (s.kind != Scalar::Kind::load || s.access.value != value) continue;
      Along along = walk(nest, plan.bindings[n], s.access);
      if (along == Along::samples) use.samples += points(nest);
      if (along == Along::units) use.units += points(nest);
      if (along == Along::units && may_sum_across(plan, n, value)) use.across.push_back(n), use.summed += points(nest);
    }
    for (const Store& store : nest.stores)
      if (store.access.value == value) {
        const Along made = walk(nest, plan.bindings[n], store.access);
        const Nest& earlier = plan.nests[use.maker];
        if (last && (made != use.made || nest.region != earlier.region || nest.loop != earlier.loop ||
                     !apart(store.access, last->access)))
          use.alike = false;
        last = &store;
        use.made = made;
        use.maker = n;
        for (const Index& index : store.access.dims)
          for (const Term& term : index.terms) use.sliced = use.sliced || term.axis == time_axis;
      }
  }
  return use;
}

// A nest that copies `from` into `to`, element by element.
Nest copy_nest(const Plan& plan, int32_t from, int32_t to, const Nest& maker) {
  Nest nest;
  nest.name = plan.values[to].name;
  nest.region = maker.region;
  nest.loop = maker.loop;
  nest.relayout = true;
  nest.axes.push_back({"s", plan.batch, true, false});
  Access access{from, {}, -1};
  for (size_t d = 0; d < plan.values[from].dims.size(); ++d) {
    access.dims.push_back({{{static_cast<int32_t>(nest.axes.size()), 1}}, 0});
    nest.axes.push_back({fmt::format("u{}", d), plan.values[from].dims[d], false, false});
  }
  nest.body.push_back({.kind = Scalar::Kind::load, .dtype = plan.values[from].dtype, .access = access});
  access.value = to;
  nest.stores.push_back({access, 0});
  return nest;
}

// Warps share the blocks along the axis that they divide best, samples first: those are where the value was made.
void give_warps(const Plan& plan, const Nest& nest, Binding& binding) {
  const Schedule& schedule = plan.schedule;
  int64_t warps = schedule[PopulationAxis::sample].warp * schedule[PopulationAxis::unit].warp, lanes = schedule.lanes();
  if (warps == 1) return;
  size_t best = 0;
  double best_share = 0;
  for (size_t a = 0; a < nest.axes.size(); ++a) {
    bool in_blocks = a == 0 || a + 1 == nest.axes.size();
    int64_t extent = a == 0 ? plan.chunk : nest.axes[a].extent;
    int64_t blocks = std::max<int64_t>(1, in_blocks ? extent / lanes : extent);
    double share = static_cast<double>(blocks) / static_cast<double>((blocks + warps - 1) / warps * warps);
    if (share > best_share) best = a, best_share = share;
  }
  AxisBinding& axis = binding.axes[best];
  axis.warp_count = static_cast<int32_t>(warps);
  axis.threads *= axis.warp_count;
}

void add_copy(Plan& plan, int32_t value, const Use& use) {
  Along other = plan.values[value].samples_innermost ? Along::units : Along::samples;
  Value copy = plan.values[value];
  copy.name += other == Along::samples ? "_by_unit" : "_by_sample";
  copy.samples_innermost = other == Along::samples;
  const int32_t maker_loop = plan.nests[use.maker].loop;
  int32_t to = static_cast<int32_t>(plan.values.size());
  plan.values.push_back(copy);
  for (size_t n = 0; n < plan.nests.size(); ++n)
    for (Scalar& s : plan.nests[n].body)
      if (s.kind == Scalar::Kind::load && s.access.value == value &&
          !(use.sliced && plan.nests[n].loop == maker_loop) && walk(plan.nests[n], plan.bindings[n], s.access) == other)
        s.access.value = to;
  Nest nest = copy_nest(plan, value, to, plan.nests[use.maker]);
  size_t after = use.maker;
  if (use.sliced) {  // the whole of it exists only when the loop has ended
    nest.loop = -1;
    while (after + 1 < plan.nests.size() && plan.nests[after + 1].loop == plan.nests[use.maker].loop) ++after;
  }
  Binding binding;
  binding.axes.resize(nest.axes.size());
  binding.axes[0].threads = binding.axes[0].lane_count = plan.schedule.lanes();
  for (int32_t bit = 0; 1 << bit < plan.schedule.lanes(); ++bit) binding.axes[0].lane_bits.push_back(bit);
  give_warps(plan, nest, binding);
  plan.nests.insert(plan.nests.begin() + static_cast<std::ptrdiff_t>(after) + 1, nest);
  plan.bindings.insert(plan.bindings.begin() + static_cast<std::ptrdiff_t>(after) + 1, binding);
}

void sum_across(Plan& plan, size_t n) {
  plan.bindings[n].across = true;
  for (AxisBinding& axis : plan.bindings[n].axes) axis.tile = axis.vector = 1;
}

}  // namespace

void relayout(Plan& plan) {
  // With wide accesses, one layout serves all readers (bind chose it).
  if (plan.schedule.members_in_lanes() || plan.access > 1) return;
  // Blocks are transposed across the lanes of one vector, so all lanes must walk one axis.
  bool may_copy = plan.schedule[PopulationAxis::sample].lane == plan.schedule.lanes();
  size_t count = plan.values.size();
  for (size_t v = 0; v < count; ++v) {
    Value& value = plan.values[v];
    if (value.argument >= 0 || !value.varies.sample) continue;
    Use use = uses_of(plan, static_cast<int32_t>(v));
    bool copyable = may_copy && use.alike && !value.dims.empty() && value.dims.back() > 1;
    value.samples_innermost =
        copyable && use.made != Along::neither ? use.made == Along::samples : use.samples >= use.units;
    if (value.samples_innermost && !use.across.empty() && use.summed == use.units) {  // nobody else wants a copy
      for (const size_t n : use.across) sum_across(plan, n);
      continue;
    }
    double against = value.samples_innermost ? use.units : use.samples;
    if (copyable && against > 0) add_copy(plan, static_cast<int32_t>(v), use);
  }
}

}  // namespace shoal::plan
