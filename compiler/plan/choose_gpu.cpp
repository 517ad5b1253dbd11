// Candidates by batch, sizes and population, and the roofline of a multiprocessor.
#include "compiler/plan/choose_gpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "compiler/plan/inline_cost.h"

namespace shoal::plan {
namespace {

constexpr int warp_lanes = 32;
constexpr double schedulers = 4;
constexpr double special_lanes = 16;
constexpr double l2_bytes_per_cycle = 32;  // of one multiprocessor, when all of them read
// Assumed, not measured: cycles from one instruction of a lone warp to the next, most of which do not depend on each
// other; of waiting for shared memory once in each round of a loop; of a barrier among warps, and in one.
constexpr double cycles_between = 1.3, wait_of_round = 30, barrier_of_group = 40, barrier_of_warp = 15;

// What a member is, in elements.
struct Extent {
  int64_t state = 0;   // parameters and what is carried
  int64_t stored = 0;  // values that cross nests, of all samples
  int64_t widest = 1;  // points of the widest of them, of all samples
};

Extent extent_of(const Graph& graph) {
  Extent extent;
  const std::vector<bool> stored = worth_storing(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const int64_t points = element_count(node.shape);
    if (node.prim == Prim::input && node.varies.member) extent.state += points;
    if (!node.varies.sample || (prim_kind(node.prim) != PrimKind::sum && !stored[n])) continue;
    extent.stored += points * graph.batch;
    extent.widest = std::max(extent.widest, points * graph.batch);
  }
  return extent;
}

GpuCandidate spread(std::string name, int member_lanes, int sample_lanes, int unit_lanes, int tile_sample,
                    int tile_unit) {
  GpuCandidate c{{}, std::move(name)};
  c.schedule[PopulationAxis::member].group = true;
  c.schedule[PopulationAxis::member].lane = member_lanes;
  c.schedule[PopulationAxis::sample].lane = sample_lanes;
  c.schedule[PopulationAxis::unit].lane = unit_lanes;
  c.schedule.tile_sample = tile_sample, c.schedule.tile_unit = tile_unit;
  return c;
}

int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

std::vector<GpuCandidate> gpu_candidates(const Graph& graph, int64_t members, const GpuMachine& machine) {
  const Extent extent = extent_of(graph);
  std::vector<GpuCandidate> list = {spread("a warp per member, tiles of 8x4", 1, 4, 8, 8, 4)};
  if (extent.widest > 2 * warp_lanes) list.push_back(spread("a warp per member, tiles of 4x4", 1, 4, 8, 4, 4));
  if (extent.widest >= 64 * warp_lanes) list.push_back(spread("a warp per member, tiles of 8x8", 1, 4, 8, 8, 8));
  // Lanes that a small network leaves idle serve other members.
  for (const int in_warp : {2, 4, 8}) {
    const int lanes = warp_lanes / in_warp;
    if (extent.widest > 32 * lanes || members < in_warp) continue;
    const int sample_lanes = graph.batch >= 4 && lanes >= 8 ? lanes / 8 * 2 : 1;
    list.push_back(
        spread(fmt::format("{} members a warp", in_warp), in_warp, sample_lanes, lanes / sample_lanes, 4, 4));
  }
  if ((extent.state + extent.stored) * 4 * warp_lanes <= machine.block_shared && members >= warp_lanes)
    list.push_back(spread("a thread per member", warp_lanes, 1, 1, 4, 2));
  // With too few members to fill the multiprocessors, or too large ones to hide each other's latencies, more warps work
  // on each.
  const bool few = members < int64_t{machine.multiprocessors} * 16;
  const bool large = extent.widest >= 64 * warp_lanes || (extent.state + extent.stored) * 16 > machine.shared;
  for (const int warps : {2, 4, 8}) {
    if ((!few && !large) || extent.widest < int64_t{8} * warp_lanes * warps) continue;
    for (const auto& [tile_sample, tile_unit] : {std::array{8, 4}, std::array{4, 4}}) {
      GpuCandidate c = spread(fmt::format("{} warps per member, tiles of {}x{}", warps, tile_sample, tile_unit), 1, 4,
                              8, tile_sample, tile_unit);
      const bool samples = graph.batch >= int64_t{4} * warps;
      c.schedule[samples ? PopulationAxis::sample : PopulationAxis::unit].warp = warps;
      list.push_back(std::move(c));
    }
  }
  // Each beside itself on tensor cores, where they are permitted.
  if (graph.permits.precision == Precision::f32) return list;
  for (size_t i = 0, plain = list.size(); i < plain; ++i) {
    if (!has_tensor_cores(list[i].schedule, warp_lanes, false, machine.sm)) continue;
    GpuCandidate c = list[i];
    c.schedule.precision = graph.permits.precision;
    c.name += fmt::format(", tensor cores in {}", precision_name(graph.permits.precision));
    list.push_back(std::move(c));
  }
  return list;
}

GpuPrediction predict_gpu(const GpuWork& work, const GpuMachine& machine) {
  GpuPrediction p;
  const double w = work.warps;
  // Groups on a multiprocessor. Registers are dealt out by eights, to warps of one scheduler.
  const int registers = std::min(most_registers + 1, (work.registers + 7) / 8 * 8);
  const auto by_registers = static_cast<int64_t>(machine.registers / schedulers / (registers * warp_lanes)) * 4;
  struct Bound {
    int64_t groups;
    const char* name;
  };
  const Bound residents =
      std::min({Bound{std::max<int64_t>(1, by_registers / work.warps), "registers"},
                Bound{std::max<int64_t>(1, machine.shared / (work.shared_bytes + reserved_shared)), "shared memory"},
                Bound{std::max(1, machine.warps / work.warps), "warps"}, Bound{machine.blocks, "blocks"}},
               [](const Bound& a, const Bound& b) { return a.groups < b.groups; });
  p.members = static_cast<double>(residents.groups) * work.members;
  p.residents = residents.name;
  const double bytes_per_cycle = machine.gb_per_s / machine.ghz / machine.multiprocessors;
  struct Load {
    double cycles;
    const char* name;
  };
  // Cycles that one step of one group takes of each resource, and how long it takes alone.
  const auto pace = [&](double shared_cycles) {
    return std::max({Load{work.issued * w / schedulers, "issue"},
                     Load{work.floats * w * warp_lanes / machine.float_lanes, "f32 arithmetic"},
                     Load{work.integers * w * warp_lanes / machine.integer_lanes, "integer arithmetic"},
                     Load{work.special * w * warp_lanes / special_lanes, "special functions"},
                     Load{work.mma * w * machine.mma_cycles, "tensor cores"}, Load{shared_cycles * w, "shared memory"},
                     Load{work.near_bytes * w / l2_bytes_per_cycle, "L2"},
                     Load{work.far_bytes * work.members / bytes_per_cycle, "device memory"}},
                    [](const Load& a, const Load& b) { return a.cycles < b.cycles; });
  };
  const double barrier = work.warps > 1 ? barrier_of_group : barrier_of_warp;
  const double alone = work.issued * cycles_between + work.rounds * wait_of_round + work.barriers * barrier;
  const int64_t each = ceiling(work.groups, machine.multiprocessors), rounds = each / residents.groups,
                rest = each % residents.groups;
  const auto ns = [&](double cycles) {
    const double full = std::max(cycles * static_cast<double>(residents.groups), alone);
    const double last = rest > 0 ? std::max(cycles * static_cast<double>(rest), alone) : 0;
    return (full * static_cast<double>(rounds) + last) / machine.ghz;
  };
  const Load merge = pace(work.shared_merge);
  p.ns = ns(merge.cycles);
  p.ns_return = ns(pace(work.shared_return).cycles);
  const auto at_once = static_cast<double>(std::min(each, residents.groups));
  p.limit = alone > merge.cycles * at_once ? "latency" : merge.name;
  return p;
}

}  // namespace shoal::plan
