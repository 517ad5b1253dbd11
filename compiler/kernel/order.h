// The order in which the interpreter runs the threads of a group between their synchronisation points.
#pragma once

#include <cstdint>
#include <vector>

namespace shoal::kernel {

// From a seed: 0 is thread order; the others take turns at random order, one thread first, and one warp first.
class Order {
 public:
  Order(int32_t warps, int32_t lanes, uint64_t seed);

  void begin_round();         // all warps may run again
  int32_t next_warp();        // the warp to run to its next synchronisation point; -1: none is left
  void retire(int32_t warp);  // this warp waits for the group, or has ended
  const std::vector<int32_t>& lanes(int32_t warp);  // the order of this warp's lanes in its next stretch

 private:
  enum class Strategy : uint8_t { in_order, random, thread_first, warp_first };
  uint64_t random(uint64_t below);

  int32_t warps_;
  Strategy strategy_ = Strategy::in_order;
  uint64_t state_;
  int32_t favoured_warp_ = 0, favoured_lane_ = 0;
  std::vector<int32_t> ready_;
  std::vector<int32_t> lanes_;
};

}  // namespace shoal::kernel
