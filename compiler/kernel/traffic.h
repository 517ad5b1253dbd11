// Traffic: the bytes that a loop tree moves into a cache of a given size, from the distinct bytes its loops touch.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "compiler/kernel/kernel.h"
#include "compiler/kernel/loop_tree.h"

namespace shoal::kernel {

class Traffic {
 public:
  // `groups`: that one worker runs in a launch, one after another; launches follow each other on the same memory.
  Traffic(const Kernel&, const LoopTree&, double groups);

  // Bytes that come from beyond a cache of this size in a launch of one worker, in the long run.
  double bytes_beyond(double cache_bytes) const;
  // Distinct bytes that a launch of one worker touches.
  double footprint() const { return footprint_of(0); }

 private:
  double trips(int32_t node) const { return node == 0 ? groups_ : tree_.nodes[node].trips; }
  double footprint_of(int32_t node) const { return footprint_[static_cast<size_t>(node)]; }
  double beyond(int32_t node, double cache_bytes) const;
  double left_by_earlier(const std::vector<int32_t>& loops, size_t loop, double cache_bytes) const;
  double common_bytes(int32_t buffer, int32_t other) const;

  const Kernel& kernel_;
  const LoopTree& tree_;
  double groups_;
  std::vector<std::map<int32_t, double>> touched_;  // by node: bytes of each buffer in all its iterations
  std::vector<double> footprint_;                   // by node: their sum
  std::vector<double> own_bytes_;                   // by node: of its own accesses in one iteration, each from memory
  std::vector<double> space_;        // by node: of a cache in which all of them, or one iteration's, stay
  std::vector<double> whole_space_;  // by node: of a cache in which all of them stay
};

}  // namespace shoal::kernel
