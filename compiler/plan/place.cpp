// Place: which memory each value lives in, in which layout, and at which offset.
//
// Arguments stay where the runtime has them. A temporary goes to shared memory (on a CPU: the worker's scratch) while
// there is room, else to scratch in global memory. Temporaries whose lifetimes do not overlap use the same memory.
// What reside() gave to registers needs no offset.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "compiler/plan/bind.h"
#include "compiler/support/error.h"

namespace shoal::plan {
namespace {

constexpr int64_t alignment = 16;  // elements: one cache line
constexpr int64_t banks = 32;      // of a GPU's shared memory, an element wide

int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// First and last nest that touch each temporary, and whether it must keep the samples of the whole batch: it does when
// another chunk loop than the one that makes it reads it.
void find_lifetimes(Plan& plan) {
  // Loops over time lie in the loops over chunks.
  auto same_chunks = [&](int32_t a, int32_t b) {
    return plan.nests[a].region % 2 == 1 && plan.nests[a].region == plan.nests[b].region;
  };
  auto same_time = [&](int32_t a, int32_t b) {
    return plan.nests[a].loop >= 0 && plan.nests[a].loop == plan.nests[b].loop;
  };
  std::vector<int> region_written(plan.values.size(), -1);
  std::vector<bool> whole(plan.values.size(), false);
  auto touch = [&](int32_t value, int32_t nest, bool store) {
    Place& place = plan.places[value];
    if (place.first_nest < 0) place.first_nest = nest;
    place.last_nest = nest;
    int region = plan.nests[nest].region;
    if (store)
      region_written[value] = region;
    else if (region_written[value] != region)
      whole[value] = true;
  };
  for (size_t n = 0; n < plan.nests.size(); ++n) {
    int32_t nest = static_cast<int32_t>(n);
    for (const Scalar& s : plan.nests[n].body)
      if (s.kind == Scalar::Kind::load) touch(s.access.value, nest, false);
    for (const Store& store : plan.nests[n].stores) touch(store.access.value, nest, true);
  }
  // A value that is touched inside and outside a loop must outlive all of the loop's iterations.
  int32_t count = static_cast<int32_t>(plan.nests.size());
  auto outlive = [&](Place& place, auto same_loop) {
    if (place.first_nest < 0 || same_loop(place.first_nest, place.last_nest)) return;
    while (place.first_nest > 0 && same_loop(place.first_nest, place.first_nest - 1)) --place.first_nest;
    while (place.last_nest + 1 < count && same_loop(place.last_nest, place.last_nest + 1)) ++place.last_nest;
  };
  for (Place& place : plan.places) outlive(place, same_time), outlive(place, same_chunks);
  // What is copied in before the steps is read in every one of them.
  for (const Nest& nest : plan.nests)
    if (nest.phase == Phase::before)
      for (const Store& store : nest.stores) plan.places[store.access.value].last_nest = count - 1;
  for (size_t v = 0; v < plan.values.size(); ++v)
    if (plan.values[v].varies.sample)
      plan.places[v].sample_extent = whole[v] || plan.values[v].argument >= 0 ? plan.batch : plan.chunk;
}

// A walk across rows that are a multiple of many cache lines long keeps to a few sets of the cache, and throws out what
// it will need again. One line more between the rows, and it goes through all of them.
int64_t row_length(const Plan& plan, int64_t elements, int64_t line_bytes) {
  const Schedule& schedule = plan.schedule;
  int64_t element_bytes = 4 * (schedule.members_in_lanes() ? schedule[PopulationAxis::member].lane : 1);
  if (line_bytes == 0 || elements * element_bytes % (4 * line_bytes) != 0) return elements;
  return elements + std::max<int64_t>(1, line_bytes / element_bytes);
}

// Lanes that an index differs between, if all axes that it names stand still but one.
int32_t lanes_of(const Nest& nest, const Binding& binding, const Index& index) {
  int32_t most = 1;
  for (const Term& t : index.terms) {
    const auto axes = static_cast<int32_t>(nest.axes.size());
    if (t.axis == time_axis) continue;
    most = std::max(most, t.axis < axes ? binding.axes[t.axis].lane_count
                                        : lanes_of(nest, binding, nest.quotients[t.axis - axes].numerator));
  }
  return most;
}

// Every access to a value, with its nest.
template <typename Visit>
void visit_accesses(const Plan& plan, int32_t value, Visit visit) {
  for (size_t n = 0; n < plan.nests.size(); ++n) {
    for (const Scalar& s : plan.nests[n].body)
      if (s.kind == Scalar::Kind::load && s.access.value == value) visit(n, s.access);
    for (const Store& store : plan.nests[n].stores)
      if (store.access.value == value) visit(n, store.access);
  }
}

// GPU: the dimensions along which lanes run, if strides shall keep the rows that lanes read in different banks, in the
// place of the swizzle of a matrix; else none. Where rows are counted by several terms whose bits meet (windows slide,
// or an inner dimension is no power of two), the exclusive or would make long computations of addresses that are else
// sums. Room between single rows is much, and only left where windows slide.
std::vector<bool> spaced_dims(const Plan& plan, int32_t v) {
  const Value& value = plan.values[v];
  const bool rows_of_samples = value.samples_innermost && plan.places[v].sample_extent % plan.access == 0;
  if (plan.access == 1 || plan.schedule.members_in_lanes() || value.argument >= 0 || value.row_major ||
      !rows_of_samples || value.dims.size() < 2)
    return {};
  bool slides = false, uneven = false;
  std::vector<bool> lanes_along(value.dims.size(), false);
  int32_t along_rows = 1;  // lanes that read neighbouring rows
  for (size_t d = 1; d < value.dims.size(); ++d)
    uneven = uneven || !std::has_single_bit(static_cast<uint64_t>(value.dims[d]));
  visit_accesses(plan, v, [&](size_t n, const Access& access) {
    const auto axes = static_cast<int32_t>(plan.nests[n].axes.size());
    for (size_t d = 0; d < access.dims.size(); ++d) {
      const std::vector<Term>& terms = access.dims[d].terms;
      const int32_t lanes = lanes_of(plan.nests[n], plan.bindings[n], access.dims[d]);
      if (lanes > 1) lanes_along[d] = true;
      if (d + 1 == access.dims.size()) along_rows = std::max(along_rows, lanes);
      slides = slides || terms.size() > 1 || (terms.size() == 1 && terms[0].axis >= axes && terms[0].axis != time_axis);
    }
  });
  if (!slides) lanes_along.back() = false;
  return slides || (uneven && along_rows <= 2) ? lanes_along : std::vector<bool>{};
}

// A stride of an odd number of wide accesses: eight lanes that stand so far apart cover all banks.
int64_t odd_stride(int64_t stride, int64_t access) { return stride + (stride / access % 2 == 0 ? access : 0); }

// Row-major strides, samples outermost or innermost; between rows of temporaries there may be room. All rows have the
// same, so that flat indices over units stay what they are.
void lay_out(Plan& plan, int32_t v, int64_t line_bytes) {
  const Value& value = plan.values[v];
  Place& place = plan.places[v];
  if (value.argument >= 0) line_bytes = 0;
  bool many_units = element_count(value.dims) > 1, many_samples = place.sample_extent > 1;
  int64_t stride = !value.samples_innermost ? 1
                   : many_units             ? row_length(plan, place.sample_extent, line_bytes)
                                            : place.sample_extent;
  place.strides.resize(value.dims.size());
  const std::vector<bool> spaced = spaced_dims(plan, v);
  for (size_t d = value.dims.size(); d-- > 0;) {
    if (!spaced.empty() && spaced[d]) stride = odd_stride(stride, plan.access);
    place.strides[d] = stride;
    stride *= value.dims[d];
  }
  if (value.varies.sample && !value.samples_innermost && many_samples) stride = row_length(plan, stride, line_bytes);
  if (value.varies.sample) place.sample_stride = value.samples_innermost ? 1 : stride;
  place.size = value.samples_innermost ? stride : stride * place.sample_extent;
}

// The row length of a value whose rows may be swizzled, else 0. Swizzling permutes blocks of 32 elements.
constexpr int64_t swizzled_block = 32;

int64_t swizzle_of(const Plan& plan, int32_t v) {
  const Value& value = plan.values[v];
  const Place& place = plan.places[v];
  if (plan.access == 1 || plan.schedule.members_in_lanes() || value.row_major || !spaced_dims(plan, v).empty())
    return 0;
  int64_t row = value.samples_innermost ? place.sample_extent : value.dims.empty() ? 1 : value.dims.back();
  bool power = row >= plan.access && std::has_single_bit(static_cast<uint64_t>(row));
  return power && place.size > row ? row : 0;
}

// Elements of one thread: those of the nest that touches most.
int64_t elements_of_thread(const Plan& plan, int32_t v) {
  if (plan.schedule.members_in_lanes()) return plan.places[v].size;
  int64_t most = 1;
  for (size_t n = 0; n < plan.nests.size(); ++n)
    for (const Store& store : plan.nests[n].stores) {
      if (store.access.value != v) continue;
      int64_t count = 1;
      for (const Index& index : store.access.dims)
        for (const Term& term : index.terms) {
          count *= points_of_thread(plan.bindings[n].axes[term.axis], plan.nests[n].axes[term.axis].extent);
        }
      most = std::max(most, count);
    }
  return most;
}

bool lifetimes_meet(const Place& a, const Place& b) {
  return a.first_nest <= b.last_nest && b.first_nest <= a.last_nest;
}

// The lowest offset at which `place` fits between the temporaries that are already placed in its memory.
int64_t first_fit(const Plan& plan, const Place& place) {
  std::vector<std::pair<int64_t, int64_t>> taken;
  for (size_t v = 0; v < plan.values.size(); ++v) {
    const Place& other = plan.places[v];
    if (plan.values[v].argument < 0 && other.offset >= 0 && other.kind == place.kind && lifetimes_meet(place, other))
      taken.emplace_back(other.offset, other.offset + round_up(other.size, alignment));
  }
  std::sort(taken.begin(), taken.end());
  int64_t offset = 0;
  for (auto [begin, end] : taken) {
    if (offset + place.size <= begin) break;
    offset = std::max(offset, end);
  }
  return offset;
}

}  // namespace

void place(Plan& plan, int64_t shared_bytes, int64_t line_bytes) {
  plan.places.assign(plan.values.size(), {});
  find_lifetimes(plan);
  int64_t members_sharing = plan.schedule.members_of_group();
  std::vector<int32_t> temporaries;
  for (size_t v = 0; v < plan.values.size(); ++v) {
    plan.places[v].offset = plan.values[v].argument >= 0 ? 0 : -1;
    lay_out(plan, static_cast<int32_t>(v), line_bytes);
    if (plan.values[v].argument < 0 && plan.places[v].first_nest >= 0) temporaries.push_back(static_cast<int32_t>(v));
  }
  std::stable_sort(temporaries.begin(), temporaries.end(),
                   [&](int32_t a, int32_t b) { return plan.places[a].size > plan.places[b].size; });
  // Large ones first pack better; small ones then find room in shared memory even when a large one had to leave it.
  for (int32_t v : temporaries) {
    Place& p = plan.places[v];
    if (plan.values[v].in_registers) {
      p.kind = Place::Kind::registers;
      p.size = elements_of_thread(plan, v), p.offset = 0;
      continue;
    }
    p.kind = Place::Kind::shared;
    p.swizzle = swizzle_of(plan, v);
    if (p.swizzle) p.size = round_up(p.size, swizzled_block);
    int64_t offset = first_fit(plan, p);
    int64_t end = offset + round_up(p.size, alignment);
    if (end * members_sharing * 4 > shared_bytes) {
      p.kind = Place::Kind::scratch;
      p.swizzle = 0;
      offset = first_fit(plan, p);
      plan.scratch_size = std::max(plan.scratch_size, offset + round_up(p.size, alignment));
      plan.why += fmt::format(
          "{}: {} elements a member do not fit in shared memory beside the rest, placed in global scratch\n",
          plan.values[v].name, p.size);
    } else {
      plan.shared_size = std::max(plan.shared_size, end);
    }
    p.offset = offset;
  }
  // Members of one warp that stand side by side begin in different banks.
  const int64_t lanes = plan.schedule.lanes_of_member();
  if (plan.access > 1 && plan.schedule[PopulationAxis::member].lane > 1 && lanes > 1 && plan.shared_size > 0) {
    const int64_t spread = plan.shared_size + (std::max<int64_t>(lanes, 4) - plan.shared_size % banks + banks) % banks;
    if (spread * members_sharing * 4 <= shared_bytes) plan.shared_size = spread;
  }
}

}  // namespace shoal::plan
