// Relayout: where the lanes of one nest run along samples and those of another along units, a value is kept in two
// layouts. So is what a launch brings, row by row, where lanes along samples read it several times.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/plan/plan.h"
#include "compiler/plan/walk.h"

namespace shoal::plan {
namespace {

double points(const Nest& nest) {
  double count = 1;
  for (const Axis& axis : nest.axes) count *= static_cast<double>(axis.extent);
  return count;
}

struct Use {
  double samples = 0, units = 0;  // loads whose lanes walk along samples, along units
  Along made = Along::neither;    // how the nest that makes the value walks
  size_t maker = 0;
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

// A nest that copies `from` into `to`. Both stand in row-major order, so all unit dimensions are one: blocks of whole
// vectors do not end with each row.
Nest copy_nest(const Plan& plan, int32_t from, int32_t to, int region, int32_t loop) {
  Nest nest;
  nest.name = plan.values[to].name;
  nest.region = region;
  nest.loop = loop;
  nest.relayout = true;
  nest.axes.push_back({"s", plan.batch, true, false});
  Access access{from, {}, -1};
  access.dims.resize(plan.values[from].dims.size());
  access.dims.back() = {{{1, 1}}, 0};
  nest.axes.push_back({"u0", element_count(plan.values[from].dims), false, false});
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
    const int64_t slots = (blocks + warps - 1) / warps * warps;  // in whole rounds of all warps
    double share = static_cast<double>(blocks) / static_cast<double>(slots);
    if (share > best_share) best = a, best_share = share;
  }
  AxisBinding& axis = binding.axes[best];
  axis.warp_count = static_cast<int32_t>(warps);
  axis.threads *= axis.warp_count;
}

// A temporary for `value` in its other layout.
int32_t other_layout(Plan& plan, int32_t value) {
  plan.values[value].row_major = true;
  Value copy = plan.values[value];
  copy.samples_innermost = !copy.samples_innermost;
  copy.name += copy.samples_innermost ? "_by_unit" : "_by_sample";
  copy.argument = -1;
  copy.varies.member = true;
  plan.values.push_back(copy);
  return static_cast<int32_t>(plan.values.size()) - 1;
}

// Puts `nest`, which copies, before the nest `at`.
void insert(Plan& plan, size_t at, const Nest& nest) {
  Binding binding;
  binding.axes.resize(nest.axes.size());
  binding.axes[0].threads = binding.axes[0].lane_count = plan.schedule.lanes();
  for (int32_t bit = 0; 1 << bit < plan.schedule.lanes(); ++bit) binding.axes[0].lane_bits.push_back(bit);
  give_warps(plan, nest, binding);
  plan.nests.insert(plan.nests.begin() + static_cast<std::ptrdiff_t>(at), nest);
  plan.bindings.insert(plan.bindings.begin() + static_cast<std::ptrdiff_t>(at), binding);
}

void add_copy(Plan& plan, int32_t value, const Use& use) {
  Along other = plan.values[value].samples_innermost ? Along::units : Along::samples;
  const int32_t maker_loop = plan.nests[use.maker].loop;
  const int32_t to = other_layout(plan, value);
  for (size_t n = 0; n < plan.nests.size(); ++n)
    for (Scalar& s : plan.nests[n].body)
      if (s.kind == Scalar::Kind::load && s.access.value == value &&
          !(use.sliced && plan.nests[n].loop == maker_loop) && walk(plan.nests[n], plan.bindings[n], s.access) == other)
        s.access.value = to;
  Nest nest = copy_nest(plan, value, to, plan.nests[use.maker].region, maker_loop);
  size_t after = use.maker;
  if (use.sliced) {  // the whole of it exists only when the loop has ended
    nest.loop = -1;
    while (after + 1 < plan.nests.size() && plan.nests[after + 1].loop == plan.nests[use.maker].loop) ++after;
  }
  insert(plan, after + 1, nest);
}

// Of an argument: its rows are samples, so that a vector of samples is gathered lane by lane. Transposing blocks costs
// half of gathering each element once; what has no whole blocks is gathered once, and stored.
void add_copy_of_argument(Plan& plan, int32_t value) {
  if (plan.values[value].dims.empty()) return;
  const int64_t lanes = plan.schedule.lanes(), elements = element_count(plan.values[value].dims);
  const bool blocks = elements >= lanes && plan.chunk % lanes == 0;
  std::vector<Scalar*> loads;
  size_t first = plan.nests.size();
  double read = 0;
  for (size_t n = 0; n < plan.nests.size(); ++n)
    for (Scalar& s : plan.nests[n].body) {
      if (s.kind != Scalar::Kind::load || s.access.value != value) continue;
      if (s.access.indirect >= 0 || walk(plan.nests[n], plan.bindings[n], s.access) != Along::samples) continue;
      first = std::min(first, n);
      if (plan.nests[n].region != plan.nests[first].region || plan.nests[n].phase != Phase::steps) return;
      read += points(plan.nests[n]);
      loads.push_back(&s);
    }
  const double gathers = read / static_cast<double>(elements * plan.batch * plan.schedule.tile_unit);
  if (gathers < (blocks ? 0.5 : 2)) return;
  const int region = plan.nests[first].region;
  // The copy is of all times, before the loop.
  while (plan.nests[first].loop >= 0 && first > 0 && plan.nests[first - 1].loop == plan.nests[first].loop) --first;
  const int32_t to = other_layout(plan, value);
  for (Scalar* load : loads) load->access.value = to;
  insert(plan, first, copy_nest(plan, value, to, region, -1));
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
    if (!value.varies.sample) continue;
    if (value.argument >= 0) {
      if (may_copy) add_copy_of_argument(plan, static_cast<int32_t>(v));
      continue;
    }
    Use use = uses_of(plan, static_cast<int32_t>(v));
    bool copyable = may_copy && use.alike && !value.dims.empty() && value.dims.back() > 1;
    value.samples_innermost =
        copyable && use.made != Along::neither ? use.made == Along::samples : use.samples >= use.units;
    double against = value.samples_innermost ? use.units : use.samples;
    if (copyable && against > 0) add_copy(plan, static_cast<int32_t>(v), use);
  }
}

}  // namespace shoal::plan
