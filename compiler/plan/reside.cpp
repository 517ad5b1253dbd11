// Reside: arguments that the steps use are kept on the chip, so that global memory is touched once in K steps.
//
// Registers hold what only one thread touches, or what every thread can compute for itself (a single number): moments,
// counters, corrections, hyperparameters. Shared memory holds the rest while there is room. Each such argument gets a
// value of its own, which the steps use in its place, a nest that copies it in before the steps, and, where it is
// carried, one that copies it back after them.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "compiler/plan/bind.h"

namespace shoal::plan {
namespace {

// What one thread may spend on values that live through all steps, of 255 registers: a tile with its operands needs the
// rest.
constexpr int64_t registers_for_state = 104;
constexpr int64_t registers_without_tiles = 200;  // where all of a member is in one thread

struct NestUse {
  size_t nest;
  const Access* access;
  bool store, guarded;
};

std::vector<NestUse> nest_uses_of(const Plan& plan, int32_t value) {
  std::vector<NestUse> uses;
  for (size_t n = 0; n < plan.nests.size(); ++n) {
    for (const Scalar& s : plan.nests[n].body)
      if (s.kind == Scalar::Kind::load && s.access.value == value)
        uses.push_back({n, &s.access, false, !s.guards.empty()});
    for (const Store& store : plan.nests[n].stores)
      if (store.access.value == value) uses.push_back({n, &store.access, true, false});
  }
  return uses;
}

class Residence {
 public:
  Residence(Plan& plan, int64_t shared_bytes) : plan_(plan) {
    sharing_ = plan.schedule.members_of_group();
    Plan without = plan;
    place(without, shared_bytes);
    room_ = shared_bytes / 4 / sharing_ - without.shared_size;
    crowded_ = without.scratch_size > 0;
  }

  void run() {
    for (size_t v = 0; v < plan_.values.size(); ++v)
      if (int64_t count = registers_for(static_cast<int32_t>(v)); count > 0) counts_[static_cast<int32_t>(v)] = count;
    std::set<int32_t> settled = fitting();
    for (bool again = true; again;) {
      again = false;
      for (int32_t v : settled) {
        if (known_to_all(v, settled)) continue;
        counts_.erase(v), again = true;
      }
      if (again) settled = fitting();
    }
    for (int32_t v : settled) {
      if (plan_.values[v].argument >= 0)
        keep(v, true);
      else
        plan_.values[v].in_registers = true;
    }
    for (auto [v, count] : counts_)
      if (!settled.count(v) && plan_.steps)
        plan_.why +=
            fmt::format("{}: {} registers a thread are too many beside the rest\n", plan_.values[v].name, count);
    if (!plan_.schedule.members_in_lanes()) in_shared(settled);
    finish();
  }

 private:
  // Elements that one thread would hold of the value; 0 when it cannot be in registers.
  int64_t registers_for(int32_t v) const {
    const Value& value = plan_.values[v];
    std::vector<NestUse> uses = nest_uses_of(plan_, v);
    if (!value.varies.member || uses.empty() || (value.argument >= 0 && value.varies.sample)) return 0;
    if (value.argument >= 0 && plan_.arguments[value.argument].is_output) return 0;
    if (all_unrolled(uses)) return element_count(value.dims) * (value.varies.sample ? plan_.batch : 1);
    if (plan_.schedule.members_in_lanes() || value.varies.sample || value.row_major) return 0;
    if (element_count(value.dims) == 1) return single(uses) ? 1 : 0;
    return one_owner(value, uses);
  }

  // Those that the budget allows, small ones first. Temporaries are the compiler's to allocate, and small.
  std::set<int32_t> fitting() const {
    int64_t budget = plan_.schedule.members_in_lanes() ? registers_without_tiles : registers_for_state;
    std::vector<std::pair<int64_t, int32_t>> by_size;
    for (auto [v, count] : counts_) by_size.emplace_back(count, v);
    std::sort(by_size.begin(), by_size.end());
    std::set<int32_t> result;
    for (auto [count, v] : by_size) {
      bool argument = plan_.values[v].argument >= 0;
      if (argument && (!plan_.steps || count > budget)) continue;
      if (argument) budget -= count;
      result.insert(v);
    }
    return result;
  }

  // Threads that repeat the work of others store into their own registers: they must not read for it what the first of
  // them is writing to memory.
  bool known_to_all(int32_t v, const std::set<int32_t>& in_registers) const {
    for (size_t n = 0; n < plan_.nests.size(); ++n) {
      const Nest& nest = plan_.nests[n];
      if (plan_.bindings[n].idle_lanes * plan_.bindings[n].idle_warps == 1) continue;
      std::set<int32_t> overwritten;
      for (const Store& store : nest.stores)
        if (!in_registers.count(store.access.value)) overwritten.insert(store.access.value);
      for (const Store& store : nest.stores)
        if (store.access.value == v && reads(nest, store.scalar, overwritten)) return false;
    }
    return true;
  }

  static bool reads(const Nest& nest, int32_t scalar, const std::set<int32_t>& values) {
    if (scalar < 0) return false;
    const Scalar& s = nest.body[scalar];
    if (s.kind == Scalar::Kind::load && values.count(s.access.value)) return true;
    if (s.kind == Scalar::Kind::accumulator && reads(nest, nest.reduced, values)) return true;
    return reads(nest, s.access.indirect, values) ||
           std::any_of(s.args.begin(), s.args.end(), [&](int32_t arg) { return reads(nest, arg, values); });
  }

  // Every index is known when the kernel is made.
  bool all_unrolled(const std::vector<NestUse>& uses) const {
    return plan_.schedule.members_in_lanes() && std::all_of(uses.begin(), uses.end(), [&](const NestUse& use) {
             const Nest& nest = plan_.nests[use.nest];
             for (size_t a = 0; a < nest.axes.size(); ++a)
               if (plan_.bindings[use.nest].axes[a].tile < nest.axes[a].extent) return false;
             return use.access->indirect < 0 && !use.guarded && nest.quotients.empty() && nest.loop < 0;
           });
  }

  // A single number that every thread computes for itself.
  bool single(const std::vector<NestUse>& uses) const {
    return std::all_of(uses.begin(), uses.end(), [&](const NestUse& use) {
      const Nest& nest = plan_.nests[use.nest];
      if (use.guarded || use.access->indirect >= 0 || nest.over_chunks) return false;
      for (const Index& index : use.access->dims)
        if (!index.terms.empty()) return false;
      return !use.store || nest.parallel_count() == 0;
    });
  }

  // The same threads touch the same elements in every nest, at points that no loop reaches.
  int64_t one_owner(const Value& value, const std::vector<NestUse>& uses) const {
    bool written = std::any_of(uses.begin(), uses.end(), [](const NestUse& use) { return use.store; });
    int64_t elements = 0;
    const std::vector<AxisBinding>* first = nullptr;
    std::vector<std::vector<AxisBinding>> maps;
    for (const NestUse& use : uses) {
      const Nest& nest = plan_.nests[use.nest];
      const Binding& binding = plan_.bindings[use.nest];
      if (use.guarded || use.access->indirect >= 0 || nest.relayout || nest.over_chunks) return 0;
      std::vector<bool> named(nest.axes.size(), false);
      std::vector<AxisBinding> map;
      int64_t count = 1;
      for (size_t d = 0; d < use.access->dims.size(); ++d) {
        const Index& index = use.access->dims[d];
        if (index.terms.size() != 1 || index.offset != 0 || index.terms[0].factor != 1) return 0;
        size_t a = static_cast<size_t>(index.terms[0].axis);
        if (a >= nest.axes.size() || nest.axes[a].reduced || nest.axes[a].sample || named[a]) return 0;
        if (nest.axes[a].extent != value.dims[d]) return 0;
        const AxisBinding& axis = binding.axes[a];
        if (nest.axes[a].extent > int64_t{axis.threads} * axis.tile) return 0;
        named[a] = true;
        map.push_back(axis);
        count *= points_of_thread(axis, nest.axes[a].extent);
      }
      for (size_t a = 0; a < nest.axes.size(); ++a)
        if (written && !named[a] && !nest.axes[a].reduced && binding.axes[a].threads > 1) return 0;
      maps.push_back(map);
      elements = count;
    }
    first = &maps.front();
    for (const std::vector<AxisBinding>& map : maps)
      if (map != *first) return 0;
    return elements;
  }

  // Largest use of room first come: what is read most often in a step gains most.
  void in_shared(const std::set<int32_t>& settled) {
    std::vector<std::pair<double, int32_t>> wanted;  // uses of an element
    for (size_t v = 0; v < plan_.values.size(); ++v) {
      const Value& value = plan_.values[v];
      int32_t id = static_cast<int32_t>(v);
      if (value.argument < 0 || settled.count(id) || !value.varies.member || value.varies.sample) continue;
      if (plan_.arguments[value.argument].is_output) continue;
      // Without steps only what lanes would read across rows gains: a copy reads rows as they stand.
      if (!plan_.steps && value.dims.size() < 2) continue;
      double reads = 0;
      bool loaded = false;
      for (const NestUse& use : nest_uses_of(plan_, id)) {
        double points = 1;
        for (const Axis& axis : plan_.nests[use.nest].axes) points *= static_cast<double>(axis.extent);
        reads += points / static_cast<double>(element_count(value.dims));
        loaded = true;
      }
      if (loaded) wanted.emplace_back(reads, id);
    }
    std::stable_sort(wanted.begin(), wanted.end(), [](const auto& x, const auto& y) { return x.first > y.first; });
    for (auto [reads, v] : wanted) {
      int64_t size = (element_count(plan_.values[v].dims) + 31) / 32 * 32;
      if (crowded_ || size > room_) {
        plan_.why += fmt::format(
            "{}: {} elements a member do not fit in shared memory beside the rest, read from global "
            "memory in every step\n",
            plan_.values[v].name, element_count(plan_.values[v].dims));
        continue;
      }
      room_ -= size;
      keep(v, false);
    }
  }

  // From here on the steps use a value of their own in the place of argument v.
  void keep(int32_t v, bool in_registers) {
    Value held = plan_.values[v];
    held.name += "_held";
    held.argument = -1;
    held.in_registers = in_registers;
    int32_t to = static_cast<int32_t>(plan_.values.size());
    copies_.push_back({v, to, owner_of(v)});
    plan_.values.push_back(held);
    for (Nest& nest : plan_.nests) {
      for (Scalar& s : nest.body)
        if (s.kind == Scalar::Kind::load && s.access.value == v) s.access.value = to;
      for (Store& store : nest.stores)
        if (store.access.value == v) store.access.value = to;
    }
  }

  // The nest whose binding says which thread has which element: one that stores the value, else any.
  NestUse owner_of(int32_t v) const {
    std::vector<NestUse> uses = nest_uses_of(plan_, v);
    for (const NestUse& use : uses)
      if (use.store) return use;
    return uses.front();
  }

  struct Copy {
    int32_t argument, held;
    NestUse owner;
  };

  void finish() {
    std::vector<Nest> before, after;
    std::vector<Binding> before_bindings, after_bindings;
    for (const Copy& copy : copies_) {
      auto [nest, binding] = copy_nest(copy, copy.argument, copy.held, Phase::before);
      before.push_back(nest), before_bindings.push_back(binding);
      if (!plan_.arguments[plan_.values[copy.argument].argument].written) continue;
      auto [back, back_binding] = copy_nest(copy, copy.held, copy.argument, Phase::after);
      after.push_back(back), after_bindings.push_back(back_binding);
    }
    plan_.nests.insert(plan_.nests.begin(), before.begin(), before.end());
    plan_.bindings.insert(plan_.bindings.begin(), before_bindings.begin(), before_bindings.end());
    plan_.nests.insert(plan_.nests.end(), after.begin(), after.end());
    plan_.bindings.insert(plan_.bindings.end(), after_bindings.begin(), after_bindings.end());
  }

  std::pair<Nest, Binding> copy_nest(const Copy& copy, int32_t from, int32_t to, Phase phase) const {
    const Value& value = plan_.values[from];
    Nest nest;
    nest.name = plan_.values[copy.argument].name + (phase == Phase::before ? "_in" : "_out");
    nest.phase = phase;
    nest.region = phase == Phase::before ? 0 : plan_.regions - 1;
    Access access{from, {}, -1};
    access.dims.resize(value.dims.size());
    // A single number has no axis that threads could be dealt along: each of them copies it.
    for (size_t d = 0; d < value.dims.size() && element_count(value.dims) > 1; ++d) {
      access.dims[d] = {{{static_cast<int32_t>(d), 1}}, 0};
      nest.axes.push_back({fmt::format("u{}", d), value.dims[d], false, false});
    }
    nest.body.push_back({.kind = Scalar::Kind::load, .dtype = value.dtype, .access = access});
    access.value = to;
    nest.stores.push_back({access, 0});
    Binding binding = bind_nest(plan_, nest);
    bool spread =
        plan_.values[copy.held].in_registers && !plan_.schedule.members_in_lanes() && element_count(value.dims) > 1;
    if (spread) {  // the threads that use the elements copy them
      const Binding& owner = plan_.bindings[copy.owner.nest];
      binding = owner;
      binding.mma_rows = binding.mma_columns = -1;
      binding.axes.clear();
      for (const Index& index : copy.owner.access->dims) binding.axes.push_back(owner.axes[index.terms[0].axis]);
    } else if (plan_.values[copy.held].in_registers && plan_.schedule.members_in_lanes()) {
      for (size_t a = 0; a < nest.axes.size(); ++a) binding.axes[a].tile = static_cast<int32_t>(nest.axes[a].extent);
    }
    return {nest, binding};
  }

  Plan& plan_;
  int64_t sharing_ = 1, room_ = 0;
  bool crowded_ = false;
  std::map<int32_t, int64_t> counts_;  // values that may be in registers: elements of one thread
  std::vector<Copy> copies_;
};

}  // namespace

void reside(Plan& plan, int64_t shared_bytes) {
  if (plan.access > 1) Residence(plan, shared_bytes).run();
}

}  // namespace shoal::plan
