// Candidates by population, batch and cache sizes, and what each one's counts mean in time.
#include "compiler/plan/choose.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compiler/graph/loops.h"
#include "compiler/plan/inline_cost.h"

namespace shoal::plan {
namespace {

// Memory is this much slower where a tile reads as many rows side by side, each far from the next one.
constexpr double rows_apart = 1.7;
// Threads that a member is spread over, at most: what each has to do grows shorter, barriers do not.
constexpr int64_t most_team_threads = 16;
// Narrower vectors are no faster for being narrow on any core.
constexpr int full_speed_lanes = 8;

struct Sizes {
  int64_t state_bytes = 0;       // of one member
  int64_t activation_bytes = 0;  // of one member and one sample: what sums and stored values hold
  int64_t widest_bytes = 4;      // of the largest of them
  int64_t stash_bytes = 0;       // of one member and one sample: what loops over time keep of every iteration
};

Sizes sizes_of(const Graph& graph) {
  Sizes sizes;
  std::vector<bool> stored = worth_storing(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    int64_t bytes = element_count(node.shape) * dtype_bytes(node.prim == Prim::input ? node.attrs.dtype : node.dtype);
    if (node.prim == Prim::input && node.varies.member) sizes.state_bytes += bytes;
    bool kept = prim_kind(node.prim) == PrimKind::sum || stored[n];
    if (node.prim == Prim::collect) sizes.stash_bytes += bytes;
    if (!kept || !node.varies.sample) continue;
    sizes.activation_bytes += bytes;
    sizes.widest_bytes = std::max(sizes.widest_bytes, bytes);
  }
  return sizes;
}

// The largest divisor of the batch that is at most `limit`, at least 4 when the batch is: chunks without a smaller
// rest.
int64_t chunk_up_to(int64_t batch, int64_t limit) {
  for (int64_t d = std::min(batch, limit); d > 3; --d)
    if (batch % d == 0) return d;
  return std::min<int64_t>(batch, std::max<int64_t>(limit, 4));
}

// A loop over time that sums over samples takes the whole batch.
bool takes_whole_batch(const Graph& graph) {
  const std::vector<int32_t> loops = loop_of(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n)
    if (loops[n] >= 0 && graph.nodes[n].attrs.over_sample) return true;
  return false;
}

// Samples of `lanes` members whose stash stays in the part of L2 that is not for weights; at least 1, at most the
// batch.
int64_t samples_with_stash_in_l2(const Graph& graph, const Sizes& sizes, int64_t lanes, const Machine& machine) {
  if (sizes.stash_bytes == 0) return graph.batch;
  return std::clamp<int64_t>(machine.l2_bytes * 3 / 4 / (sizes.stash_bytes * lanes), 1, graph.batch);
}

// Whether a launch reads each weight about once, so that how it reads them is what it costs: no training, no loop over
// time, few samples, and more weights than the cores keep in their caches until the next launch.
bool streams_weights(const Graph& graph, const Sizes& sizes, int64_t members, const Machine& machine) {
  bool carries =
      std::any_of(graph.outputs.begin(), graph.outputs.end(), [](const Output& o) { return o.state != no_node; });
  return !carries && graph.loops.empty() && graph.batch <= 4 &&
         static_cast<double>(sizes.state_bytes) * static_cast<double>(members) >
             static_cast<double>(machine.own_cache_bytes()) * machine.workers;
}

Candidate by_member(const Graph& graph, const Sizes& sizes, int64_t members, const Machine& machine) {
  Candidate c{{}, "a lane per member", 0};
  c.schedule[PopulationAxis::member].group = true;
  c.schedule[PopulationAxis::member].lane = machine.lanes;
  c.schedule.tile_sample = 4, c.schedule.tile_unit = 2;
  // Rows one after the other, as memory is laid out: a tile over units would read as many rows side by side, which
  // memory serves half as fast. Several sums along the row hide the latency that the tile would have hidden.
  if (streams_weights(graph, sizes, members, machine)) {
    c.schedule.tile_sample = static_cast<int>(graph.batch), c.schedule.tile_unit = 1;
    c.schedule.unroll = 8, c.schedule.sums = graph.batch > 2 ? 2 : 4;
  }
  // Half of L1 for the activation that a tile walks through, the other half for weights.
  int64_t fits = machine.l1_bytes / 2 / (sizes.widest_bytes * machine.lanes);
  int64_t stashed = samples_with_stash_in_l2(graph, sizes, machine.lanes, machine);
  int64_t chunk =
      takes_whole_batch(graph) ? graph.batch : chunk_up_to(graph.batch, std::min(stashed, std::max<int64_t>(fits, 8)));
  if (chunk < graph.batch) c.schedule.chunk = chunk;
  c.layer_bytes = sizes.widest_bytes * machine.lanes * chunk;
  return c;
}

Candidate by_sample(const Graph& graph, const Sizes& sizes, const Machine& machine) {
  Candidate c{{}, "a lane per sample", sizes.widest_bytes * graph.batch};
  c.schedule[PopulationAxis::member].group = true;
  c.schedule[PopulationAxis::sample].lane = machine.lanes;
  c.schedule.tile_sample = 3, c.schedule.tile_unit = 4;
  // Chunks of whole tiles, where the batch would leave L2 between a loop over time and the loop back through it.
  const int64_t tile = int64_t{machine.lanes} * c.schedule.tile_sample;
  const int64_t stashed = samples_with_stash_in_l2(graph, sizes, 1, machine);
  if (stashed < graph.batch && tile < graph.batch && !takes_whole_batch(graph))
    c.schedule.chunk = std::max<int64_t>(stashed / tile, 1) * tile;
  return c;
}

Candidate by_unit(const Graph& graph, const Sizes& sizes, const Machine& machine) {
  Candidate c{{}, "a lane per unit", sizes.widest_bytes * graph.batch};
  c.schedule[PopulationAxis::member].group = true;
  c.schedule[PopulationAxis::unit].lane = machine.lanes;
  c.schedule.tile_sample = 4, c.schedule.tile_unit = 2;
  return c;
}

// A candidate that gives one member to one thread, with `threads` of them at each member instead: they share the
// samples where that leaves each thread a whole tile of them, else the units.
Candidate by_team(Candidate c, const Graph& graph, int threads) {
  const int64_t vector = c.schedule[PopulationAxis::sample].lane;
  const bool samples = graph.batch >= c.schedule.tile_sample * vector * threads;
  c.schedule[samples ? PopulationAxis::sample : PopulationAxis::unit].warp = threads;
  c.name = fmt::format("{}, {} threads a member", c.name, threads);
  return c;
}

// Numbers of threads at a member that put workers to use which members alone leave idle, or which they leave idle in
// the last round.
std::vector<int> team_sizes(int64_t members, const Machine& machine) {
  std::vector<int> sizes;
  if (!machine.teams || members >= 4 * int64_t{machine.workers}) return sizes;
  for (int64_t threads : {int64_t{machine.workers} / members, int64_t{machine.workers}}) {
    int size = static_cast<int>(std::min(threads, most_team_threads));
    if (size > 1 && (sizes.empty() || sizes.back() != size)) sizes.push_back(size);
  }
  return sizes;
}

// Register tiles. Twelve accumulators and what they are made from fill the registers of AVX2; eight hide a latency of
// four cycles at two multiply-adds a cycle.
struct RegisterTile {
  int sample, unit, unroll = 4, sums = 1;
};
constexpr RegisterTile wider_tiles[] = {{4, 2}, {2, 4},       {4, 3},       {3, 4},   {6, 2},
                                        {8, 1}, {2, 2, 4, 2}, {1, 1, 8, 4}, {4, 2, 8}};

Candidate with_tile(Candidate c, const RegisterTile& t) {
  c.schedule.tile_sample = t.sample, c.schedule.tile_unit = t.unit;
  c.schedule.unroll = t.unroll, c.schedule.sums = t.sums;
  c.name += fmt::format(", tile {}x{}", t.sample, t.unit);
  c.optional = true;
  return c;
}

Candidate with_chunk(Candidate c, int64_t chunk, int64_t batch) {
  c.schedule.chunk = chunk < batch ? chunk : 0;
  c.name += fmt::format(", {} samples at a time", std::min(chunk, batch));
  c.optional = true;
  return c;
}

void add_new(std::vector<Candidate>& list, Candidate c) {
  if (std::none_of(list.begin(), list.end(), [&](const Candidate& o) { return o.schedule == c.schedule; }))
    list.push_back(std::move(c));
}

// The three mappings with vectors of `lanes` elements.
std::vector<Candidate> mappings(const Graph& graph, const Sizes& sizes, int64_t members, const Machine& whole,
                                int lanes, bool all) {
  Machine machine = whole;
  machine.lanes = lanes;
  std::vector<Candidate> list = {by_member(graph, sizes, members, machine)};
  if (graph.batch >= lanes) list.push_back(by_sample(graph, sizes, machine));
  // Lanes along units read weights across rows in the forward pass: only worth it where the others leave lanes empty.
  if (all || (members < lanes * 2 && graph.batch < lanes * 2)) list.push_back(by_unit(graph, sizes, machine));
  if (lanes < whole.lanes)
    for (Candidate& c : list) c.name += fmt::format(", {} lanes", lanes);
  return list;
}

// Half a vector costs as much as a whole one where the core computes in 256 bits, or where lanes would be empty.
bool may_need_fewer_lanes(const Graph& graph, int64_t members, int lanes) {
  return lanes >= full_speed_lanes || (members < 2 * full_speed_lanes && graph.batch < full_speed_lanes);
}

}  // namespace

std::vector<Candidate> candidates(const Graph& graph, int64_t members, const Machine& machine) {
  const Sizes sizes = sizes_of(graph);
  std::vector<Candidate> list;
  for (const int lanes : vector_widths(machine.lanes, true)) {
    if (lanes < machine.lanes && !may_need_fewer_lanes(graph, members, lanes)) continue;
    for (Candidate& c : mappings(graph, sizes, members, machine, lanes, false)) list.push_back(std::move(c));
  }
  const size_t alone = list.size();
  for (int threads : team_sizes(members, machine))
    for (size_t c = 0; c < alone; ++c)
      if (!list[c].schedule.members_in_lanes()) list.push_back(by_team(list[c], graph, threads));
  // What a loop over time keeps for the loop back through it may be too much for the caches.
  if (sizes.stash_bytes > 0)
    for (size_t c = 0; c < alone; ++c) {
      Candidate again = list[c];
      again.schedule.stash = Stash::recompute;
      again.name += ", recomputing";
      list.push_back(again);
    }
  return list;
}

std::vector<Candidate> variations(const Candidate& c, const Graph& graph, const Machine& machine) {
  const int64_t lanes = c.schedule.lanes(), batch = graph.batch;
  std::vector<Candidate> list;
  if (c.schedule.warps() > 1 || c.schedule.stash == Stash::recompute) return list;
  if (c.schedule[PopulationAxis::sample].lane > 1) {
    // Chunks, down to one whose widest activation leaves half of L1 to the weights.
    int64_t widest = c.layer_bytes;
    for (int64_t chunk = 4 * lanes; chunk >= lanes && graph.loops.empty() && widest > machine.l1_bytes / 2;
         chunk /= 2) {
      if (chunk >= batch) continue;
      list.push_back(with_chunk(c, chunk, batch));
      widest = c.layer_bytes / batch * chunk;
    }
    list.push_back(with_tile(c, {4, 3}));
    list.push_back(with_tile(c, {2, 4}));
  } else if (c.schedule.members_in_lanes() && c.schedule.sums == 1) {
    list.push_back(with_tile(c, {6, 2}));
    list.push_back(with_tile(c, {2, 4}));
    if (const int64_t chunk = c.schedule.chunk; chunk >= 8 && batch > chunk && graph.loops.empty())
      list.push_back(with_chunk(c, 2 * chunk, batch));
  } else if (c.schedule[PopulationAxis::unit].lane > 1) {
    list.push_back(with_tile(c, {4, 3}));
  }
  return list;
}

std::vector<Candidate> wider_candidates(const Graph& graph, int64_t members, const Machine& machine) {
  std::vector<Candidate> list = candidates(graph, members, machine);
  for (size_t c = 0, bases = list.size(); c < bases; ++c)
    for (Candidate& v : variations(list[c], graph, machine)) add_new(list, std::move(v));
  const Sizes sizes = sizes_of(graph);
  std::vector<Candidate> bases;
  for (const int lanes : vector_widths(machine.lanes, true))
    for (Candidate& c : mappings(graph, sizes, members, machine, lanes, true))
      if (2 * lanes >= machine.lanes) bases.push_back(std::move(c));
  for (const Candidate& mapping : bases) {
    add_new(list, mapping);
    for (const RegisterTile& t : wider_tiles) {
      if (mapping.schedule[PopulationAxis::unit].lane > 1 && t.sample * t.unit * t.sums != 8) continue;
      add_new(list, with_tile(mapping, t));
    }
    if (!graph.loops.empty()) continue;
    for (const int64_t chunk : {8, 32, 128})
      if (chunk < graph.batch && chunk >= mapping.schedule[PopulationAxis::sample].lane)
        add_new(list, with_chunk(mapping, chunk, graph.batch));
  }
  const int team = static_cast<int>(std::min<int64_t>(machine.workers, most_team_threads));
  if (!machine.teams || team < 2 || members >= 64) return list;
  for (const Candidate& mapping : bases)
    for (const PopulationAxis axis : {PopulationAxis::sample, PopulationAxis::unit})
      if (!mapping.schedule.members_in_lanes()) {
        Candidate c = mapping;
        c.schedule[axis].warp = team;
        c.name += fmt::format(", {} threads share {}", team, axis == PopulationAxis::sample ? "samples" : "units");
        add_new(list, std::move(c));
      }
  return list;
}

Prediction predict(const Candidate& candidate, const Counts& counts, const Machine& machine) {
  const int threads = candidate.schedule.warps();
  const Rates& rates = machine.rates;
  const double compute = counts.cycles / rates.cycles_per_ns;
  const double l2 = (counts.l2_bytes - counts.l3_bytes) / rates.l2_bytes_per_ns;
  const double l3 = (counts.l3_bytes - counts.memory_bytes) / rates.l3_bytes_per_ns;
  const Schedule& schedule = candidate.schedule;
  const bool by_rows = !schedule.members_in_lanes() || (schedule.tile_unit == 1 && schedule.sums > 1);
  const double memory = counts.memory_bytes / rates.memory_bytes_per_ns * (by_rows ? 1 : rows_apart);
  const double barriers = threads > 1 ? counts.barriers * rates.ns_per_barrier : 0;
  // Whole rounds of groups, or a share of all when the last ones are run in turn.
  const auto groups = static_cast<double>(counts.groups);
  const int at_once = std::max(1, machine.workers / threads);
  double rounds = std::max(1.0, groups / at_once);
  if (!counts.steps || threads > 1) rounds = std::ceil(rounds);
  const double wake = !counts.steps && (threads > 1 || (groups > 1 && at_once > 1)) ? rates.ns_per_wake : 0;
  Prediction p;
  const double fair = groups / at_once;  // rounds if no worker were ever idle
  p.parts = {{"instructions", compute * fair}, {"L2", l2 * fair},        {"L3", l3 * fair},  {"memory", memory * fair},
             {"barriers", barriers * fair},    {"waking threads", wake}, {"idle threads", 0}};
  p.ns = (compute + l2 + l3 + memory + barriers) * rounds + wake;
  p.parts.back().ns = (compute + l2 + l3 + memory + barriers) * (rounds - fair);
  p.terms = fmt::format("{:.4g} ns of {:.4g} in arithmetic and {:.4g} in loads and stores", compute,
                        counts.arithmetic / rates.cycles_per_ns, counts.accesses / rates.cycles_per_ns);
  if (counts.waiting > 0) p.terms += fmt::format(", {:.3g} waiting for sums", counts.waiting / rates.cycles_per_ns);
  const auto from = [&](const char* level, double bytes, double ns) {
    if (ns > 0) p.terms += fmt::format(" + {:.3g} for {:.4g} bytes from {}", ns, bytes, level);
  };
  from("L2", counts.l2_bytes - counts.l3_bytes, l2);
  from("L3", counts.l3_bytes - counts.memory_bytes, l3);
  from("memory", counts.memory_bytes, memory);
  if (barriers > 0) p.terms += fmt::format(" + {:.3g} at {:.0f} barriers", barriers, counts.barriers);
  p.terms += fmt::format(", {:.4g} of {} groups on each of {}", rounds, counts.groups,
                         threads > 1 ? fmt::format("{} teams of {} threads", at_once, threads)
                                     : fmt::format("{} threads", machine.workers));
  if (wake > 0) p.terms += fmt::format(" + {:.3g} to wake them", wake);
  return p;
}

}  // namespace shoal::plan
