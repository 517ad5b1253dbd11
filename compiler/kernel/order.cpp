// Seeded orders of warps and lanes. The numbers come from splitmix64, so that a seed means the same everywhere.
#include "compiler/kernel/order.h"

#include <algorithm>
#include <numeric>

namespace shoal::kernel {

Order::Order(int32_t warps, int32_t lanes, uint64_t seed)
    : warps_(warps), state_(seed), lanes_(static_cast<size_t>(lanes)) {
  std::iota(lanes_.begin(), lanes_.end(), 0);
  if (seed == 0) return;
  constexpr Strategy strategies[] = {Strategy::random, Strategy::thread_first, Strategy::warp_first};
  strategy_ = strategies[seed % 3];
  favoured_warp_ = static_cast<int32_t>(random(static_cast<uint64_t>(warps)));
  favoured_lane_ = static_cast<int32_t>(random(static_cast<uint64_t>(lanes)));
}

uint64_t Order::random(uint64_t below) {
  state_ += 0x9e3779b97f4a7c15u;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (z ^ (z >> 31)) % below;
}

void Order::begin_round() {
  ready_.resize(static_cast<size_t>(warps_));
  std::iota(ready_.begin(), ready_.end(), 0);
}

int32_t Order::next_warp() {
  if (ready_.empty()) return -1;
  if (strategy_ == Strategy::in_order) return ready_.front();
  const bool favours =
      strategy_ != Strategy::random && std::find(ready_.begin(), ready_.end(), favoured_warp_) != ready_.end();
  return favours ? favoured_warp_ : ready_[random(ready_.size())];
}

void Order::retire(int32_t warp) { ready_.erase(std::find(ready_.begin(), ready_.end(), warp)); }

const std::vector<int32_t>& Order::lanes(int32_t warp) {
  if (strategy_ == Strategy::in_order) return lanes_;
  for (size_t i = lanes_.size(); i > 1; --i) std::swap(lanes_[i - 1], lanes_[random(i)]);
  if (strategy_ == Strategy::thread_first && warp == favoured_warp_) {
    std::iter_swap(lanes_.begin(), std::find(lanes_.begin(), lanes_.end(), favoured_lane_));
  }
  return lanes_;
}

}  // namespace shoal::kernel
