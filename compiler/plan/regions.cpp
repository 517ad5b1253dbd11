// Regions: from a node's operands, and for the nodes of a loop over time from those of all of them.
#include "compiler/plan/regions.h"

#include <algorithm>

#include "compiler/support/error.h"

namespace shoal::plan {
namespace {

// The first region from `base` on that is in a chunk loop, or that is in none.
int region_from(int base, bool in_chunks) { return in_chunks == (base % 2 == 1) ? base : base + 1; }

bool in_chunks(const Node& node) {
  return prim_kind(node.prim) != PrimKind::source && (node.varies.sample || node.attrs.over_sample);
}

// All nodes, where loop l is in region of_loop[l] or in a later one that its nodes need, which takes its place. Returns
// whether every loop stays where it was.
bool settle(const Graph& graph, const std::vector<int32_t>& loops, std::vector<int>& of_loop, Regions& r) {
  std::vector<int> needed = of_loop;
  r = {};
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    // What comes from the node's own loop is where the loop is.
    int base = 0, outside = 0;
    for (NodeId input : node.inputs) {
      base = std::max(base, r.available[input]);
      if (loops[input] != loops[n]) outside = std::max(outside, r.available[input]);
    }
    const bool leaves = node.prim == Prim::last || node.prim == Prim::collect;  // stored by a nest of the loop
    int region = leaves ? base : region_from(base, in_chunks(node));
    if (loops[n] >= 0) {
      needed[loops[n]] = std::max(needed[loops[n]], outside);
      region = of_loop[loops[n]];
    }
    r.computed.push_back(region);
    r.available.push_back(node.attrs.over_sample ? region + 1 : region);
  }
  // What is the same for all samples is computed in every chunk if others of its loop are.
  for (size_t n = 0; n < graph.nodes.size(); ++n)
    if (loops[n] >= 0 && in_chunks(graph.nodes[n])) needed[loops[n]] = region_from(needed[loops[n]], true);
  const bool settled = needed == of_loop;
  of_loop = needed;
  return settled;
}

}  // namespace

Regions find_regions(const Graph& graph, const std::vector<int32_t>& loops, bool chunked) {
  Regions r{std::vector<int>(graph.nodes.size(), 0), std::vector<int>(graph.nodes.size(), 0)};
  if (!chunked) return r;
  for (size_t n = 0; n < graph.nodes.size(); ++n)
    if (loops[n] >= 0 && graph.nodes[n].attrs.over_sample)
      throw SpecError("schedule",
                      "a loop over time sums over the samples of the batch, so it takes all of them: "
                      "leave out chunk");
  std::vector<int> of_loop(graph.loops.size(), 0);
  while (!settle(graph, loops, of_loop, r)) {
  }
  return r;
}

}  // namespace shoal::plan
