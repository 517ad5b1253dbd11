// Candidates by population, batch and cache sizes, and what each one's counts mean in time.
#include "compiler/plan/choose.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compiler/graph/loops.h"
#include "compiler/plan/inline_cost.h"

namespace shoal::plan {
namespace {

// A kernel instruction of a vector lane takes about 0.28 cycles at 3.2 GHz when its operands are in L1: measured over
// tiled contractions, updates and gathers of 8 to 256 units (tools: shoal bench, shoal explain).
constexpr double ns_per_instruction = 0.088;
// Streaming state that does not stay in L2 comes from L3 or memory at about this rate for each core.
constexpr double stream_bytes_per_ns = 12;
// Two threads at a barrier: 90 ns for a cache line to go to the other core and another one to come back, measured; the
// rest is for waiting until the slower one is there.
constexpr double ns_per_barrier = 400;
// Threads that a member is spread over, at most: what each has to do grows shorter, barriers do not.
constexpr int64_t most_team_threads = 16;

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
// time, few samples, and more weights than the cores keep in L2 until the next launch.
bool streams_weights(const Graph& graph, const Sizes& sizes, int64_t members, const Machine& machine) {
  bool carries =
      std::any_of(graph.outputs.begin(), graph.outputs.end(), [](const Output& o) { return o.state != no_node; });
  return !carries && graph.loops.empty() && graph.batch <= 4 &&
         static_cast<double>(sizes.state_bytes) * static_cast<double>(members) >
             static_cast<double>(machine.l2_bytes) * machine.workers;
}

Candidate by_member(const Graph& graph, const Sizes& sizes, int64_t members, const Machine& machine) {
  Candidate c{{}, "a lane per member", 0, sizes.state_bytes * machine.lanes};
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
  Candidate c{{}, "a lane per sample", sizes.widest_bytes * graph.batch, sizes.state_bytes};
  c.schedule[PopulationAxis::member].group = true;
  c.schedule[PopulationAxis::sample].lane = machine.lanes;
  c.schedule.tile_sample = 2, c.schedule.tile_unit = 4;
  // Chunks of whole tiles, where the batch would leave L2 between a loop over time and the loop back through it.
  const int64_t tile = int64_t{machine.lanes} * c.schedule.tile_sample;
  const int64_t stashed = samples_with_stash_in_l2(graph, sizes, 1, machine);
  if (stashed < graph.batch && tile < graph.batch && !takes_whole_batch(graph))
    c.schedule.chunk = std::max<int64_t>(stashed / tile, 1) * tile;
  return c;
}

Candidate by_unit(const Graph& graph, const Sizes& sizes, const Machine& machine) {
  Candidate c{{}, "a lane per unit", sizes.widest_bytes * graph.batch, sizes.state_bytes};
  c.schedule[PopulationAxis::member].group = true;
  c.schedule[PopulationAxis::unit].lane = machine.lanes;
  c.schedule.tile_sample = 4, c.schedule.tile_unit = 2;
  return c;
}

// A candidate that gives one member to one thread, with `threads` of them at each member instead: they share the
// samples where there is a vector of them for each thread, else the units.
Candidate by_team(Candidate c, const Graph& graph, int threads) {
  const int64_t vector = c.schedule[PopulationAxis::sample].lane;
  bool samples = graph.batch >= vector * threads;
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

Candidate for_cuda(const Graph& graph, const Sizes& sizes, const Machine& machine) {
  Candidate c{{}, {}, 0, 0};
  Schedule& s = c.schedule;
  s[PopulationAxis::member].group = true;
  int64_t per_thread = sizes.state_bytes + sizes.activation_bytes * graph.batch;
  if (per_thread * machine.lanes <= machine.shared_bytes / 4) {
    s[PopulationAxis::member].lane = machine.lanes;
    s.tile_sample = 4, s.tile_unit = 2;
    c.name =
        fmt::format("a thread per member: {} bytes a member, so a warp's members fit in shared memory", per_thread);
    return c;
  }
  s[PopulationAxis::sample].lane = 4;
  s[PopulationAxis::unit].lane = machine.lanes / 4;
  s.tile_sample = 8, s.tile_unit = 4;
  c.name = fmt::format("a warp per member: {} bytes a member are too many for one thread", per_thread);
  return c;
}

}  // namespace

std::vector<Candidate> candidates(const Graph& graph, int64_t members, const Machine& machine) {
  Sizes sizes = sizes_of(graph);
  if (!machine.cpu) return {for_cuda(graph, sizes, machine)};
  std::vector<Candidate> list = {by_member(graph, sizes, members, machine)};
  if (graph.batch >= machine.lanes) list.push_back(by_sample(graph, sizes, machine));
  // Lanes along units read weights across rows in the forward pass: only worth it where the others leave lanes empty.
  if (members < machine.lanes * 2 && graph.batch < machine.lanes * 2) list.push_back(by_unit(graph, sizes, machine));
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

Prediction predict(const Candidate& candidate, const Counts& counts, const Machine& machine) {
  // From L1 to L2 a tile's loads cost about a third more once its activation is twice as large as L1.
  double half_l1 = static_cast<double>(machine.l1_bytes) / 2;
  double over = std::clamp((static_cast<double>(candidate.layer_bytes) - half_l1) / (half_l1 * 4), 0.0, 1.0);
  double slowdown = 1 + 0.4 * over;
  // A strided load of a vector is as many loads as there are lanes. With lanes along units most nests have some, of
  // which a share is vectors after all.
  double instructions = counts.instructions;
  if (candidate.schedule[PopulationAxis::unit].lane > 1)
    slowdown *= 1.7;
  else
    instructions += counts.scattered * (candidate.schedule.lanes() - 1);
  const int threads = candidate.schedule.warps();
  double compute = instructions * ns_per_instruction * slowdown;
  bool streams = candidate.state_bytes > machine.l2_bytes * 3 / 4;
  double stream = streams ? counts.global_bytes / stream_bytes_per_ns / threads : 0;
  bool leaves = counts.temporary_bytes > static_cast<double>(machine.l2_bytes) * threads;
  if (leaves) stream += 2 * counts.temporary_bytes / stream_bytes_per_ns / threads;
  double barriers = threads > 1 ? counts.barriers * ns_per_barrier : 0;
  // Whole rounds of groups, or a share of all when the last ones are run in turn.
  const auto groups = static_cast<double>(counts.groups);
  const int at_once = std::max(1, machine.workers / threads);
  double rounds = std::max(1.0, groups / at_once);
  if (!counts.steps || threads > 1) rounds = std::ceil(rounds);
  Prediction p;
  p.ns = (compute + stream + barriers) * rounds;
  p.terms = fmt::format(
      "{:.4g} instructions x {:.3f} ns{}{}{}, {:.4g} of {} groups on each of {}", instructions,
      ns_per_instruction * slowdown,
      streams ? fmt::format(" + {:.4g} bytes of state that leave L2", counts.global_bytes / threads) : std::string(),
      leaves ? fmt::format(" + {:.4g} bytes kept over time that leave L2", 2 * counts.temporary_bytes / threads)
             : std::string(),
      threads > 1 ? fmt::format(" + {:.0f} barriers x {:.0f} ns", counts.barriers, ns_per_barrier) : std::string(),
      rounds, counts.groups,
      threads > 1 ? fmt::format("{} teams of {} threads", at_once, threads)
                  : fmt::format("{} threads", machine.workers));
  return p;
}

}  // namespace shoal::plan
