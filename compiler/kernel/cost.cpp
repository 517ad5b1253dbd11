// Each loop body takes as long as the port that has the most to do; a loop as long as its iterations, or the chain
// through them where nothing else can be done meanwhile.
#include "compiler/kernel/cost.h"

#include <algorithm>
#include <vector>

namespace shoal::kernel {
namespace {

// Vectors that a body needs beside its accumulators: what was loaded and is used again.
constexpr int operand_registers = 5;

struct Body {
  double cycles = 0, instructions = 0, fp = 0, memory = 0;
};

Body body_of(const Issue& i, const Core& core) {
  Body b;
  b.fp = i.fp / core.fp + i.divisions * core.division;
  b.memory = std::max(i.loads / core.loads, i.stores / core.stores);
  // A load that one instruction uses is part of it; about half of them are.
  b.instructions = i.fp + i.divisions + i.loads * 0.45 + i.stores + i.shuffles + i.integer + i.scalar + 2;
  b.cycles =
      std::max({b.fp, b.memory, i.shuffles / core.shuffles, i.integer / core.integer, b.instructions / core.issue}) +
      core.interference * std::min(b.fp, b.memory) + i.gathers * core.gathered + i.int_divides * core.int_divide +
      i.branches * core.branch + i.masked_stores * core.masked_store + i.scatters * core.scattered;
  return b;
}

}  // namespace

Cost cost_of(const LoopTree& tree, const Core& core) {
  Cost total;
  std::vector<double> times(tree.nodes.size(), 1);
  for (size_t n = 0; n < tree.nodes.size(); ++n) {
    const LoopNode& node = tree.nodes[n];
    const double entered = node.parent < 0 ? 1 : times[static_cast<size_t>(node.parent)];
    times[n] = entered * node.trips;
    const Body body = body_of(node.issue, core);
    const double spilled = std::max(0, node.accumulators + operand_registers - core.registers);
    const double busy = body.cycles * node.trips;
    double waiting = 0;
    if (node.children.empty() && node.chain > 0) {
      // Loops that are shorter than what the core has in flight run while the next ones begin.
      const double at_once = std::max(1.0, core.in_flight / (body.instructions * node.trips));
      waiting = std::max(0.0, node.chain * node.trips / at_once - busy);
    }
    const double loop = node.parent < 0 ? 0 : core.loop;
    total.fp += entered * body.fp * node.trips;
    total.memory += entered * body.memory * node.trips;
    total.latency += entered * waiting;
    total.spills += entered * spilled * node.trips * core.spill;
    total.overhead += entered * loop;
    total.cycles += entered * (busy + waiting + spilled * node.trips * core.spill + loop);
  }
  return total;
}

}  // namespace shoal::kernel
