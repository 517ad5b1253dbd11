// choose: a lane per member while members are many and their state stays in cache, else a lane per sample; on a GPU a
// thread per member for tiny networks, else a warp per member.
#include "compiler/plan/choose.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/plan/inline_cost.h"

namespace shoal::plan {
namespace {

struct Counts {
  int64_t state_bytes = 0;       // carried and read once a step, of one member
  int64_t activation_bytes = 0;  // of one member and one sample: what sums and stored values hold
  int64_t widest = 1;            // largest unit extent of a contraction's result
};

Counts count(const Graph& graph) {
  Counts counts;
  std::vector<bool> stored = worth_storing(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    int64_t bytes = element_count(node.shape) * 4;
    if (node.prim == Prim::input && node.varies.member) counts.state_bytes += bytes;
    bool kept = prim_kind(node.prim) == PrimKind::sum || stored[n];
    if (kept && node.varies.sample) counts.activation_bytes += bytes;
    if (node.prim == Prim::contract && node.varies.sample)
      counts.widest = std::max(counts.widest, element_count(node.shape));
  }
  return counts;
}

int64_t largest_divisor_up_to(int64_t n, int64_t limit) {
  for (int64_t d = std::min(n, limit); d > 1; --d)
    if (n % d == 0) return d;
  return 1;
}

Choice choose_cpu(const Graph& graph, int64_t members, const Machine& machine, const Counts& counts) {
  Choice choice;
  Schedule& s = choice.schedule;
  s[PopulationAxis::member].group = true;
  int lanes = machine.lanes;
  int64_t batch = graph.batch;
  // All lanes' members share the core's cache: their state and one chunk of activations should fit in L2.
  int64_t chunk = batch;
  int64_t budget = machine.l2_bytes * 3 / 4 - lanes * counts.state_bytes;
  int64_t fits = budget > 0 && counts.activation_bytes > 0 ? budget / (lanes * counts.activation_bytes) : batch;
  bool state_fits = budget > 0;
  if (fits < batch && graph.loops.empty()) chunk = std::max<int64_t>(4, largest_divisor_up_to(batch, std::max<int64_t>(fits, 4)));
  bool enough_members = members >= int64_t{lanes} * machine.workers / 2 || batch < lanes;
  bool by_member = enough_members && (state_fits || batch < lanes);
  if (by_member) {
    s[PopulationAxis::member].lane = lanes;
    s.tile_sample = 4, s.tile_unit = 2;
    if (chunk < batch) s.chunk = chunk;
    choice.why = fmt::format("a lane per member: {} lanes share {} KiB of state and {} KiB of activations per sample\n",
                             lanes, lanes * counts.state_bytes >> 10, lanes * counts.activation_bytes >> 10);
    if (chunk < batch)
      choice.why +=
          fmt::format("chunks of {} samples keep the activations in L2 ({} KiB)\n", chunk, machine.l2_bytes >> 10);
    return choice;
  }
  s[PopulationAxis::sample].lane = lanes;
  s.tile_sample = 2, s.tile_unit = 4;
  choice.why = enough_members
                   ? fmt::format("a lane per sample: the state of {} members ({} KiB) does not stay in L2 ({} KiB)\n",
                                 lanes, lanes * counts.state_bytes >> 10, machine.l2_bytes >> 10)
                   : fmt::format("a lane per sample: {} members would leave lanes empty\n", members);
  return choice;
}

Choice choose_cuda(const Graph& graph, const Machine& machine, const Counts& counts) {
  Choice choice;
  Schedule& s = choice.schedule;
  s[PopulationAxis::member].group = true;
  int64_t per_thread = counts.state_bytes + counts.activation_bytes * graph.batch;
  if (per_thread * machine.lanes <= machine.shared_bytes / 4) {
    s[PopulationAxis::member].lane = machine.lanes;
    s.tile_sample = 4, s.tile_unit = 2;
    choice.why =
        fmt::format("a thread per member: {} bytes a member, so a warp's members fit in shared memory\n", per_thread);
    return choice;
  }
  s[PopulationAxis::sample].lane = 4;
  s[PopulationAxis::unit].lane = machine.lanes / 4;
  s.tile_sample = 8, s.tile_unit = 4;
  choice.why = fmt::format("a warp per member: {} bytes a member are too many for one thread\n", per_thread);
  return choice;
}

}  // namespace

Choice choose(const Graph& graph, int64_t members, const Machine& machine) {
  Counts counts = count(graph);
  return machine.cpu ? choose_cpu(graph, members, machine, counts) : choose_cuda(graph, machine, counts);
}

}  // namespace shoal::plan
