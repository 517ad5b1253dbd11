// GPU: what a thread issues and what shared memory moves when a nest's points are dealt out in one way.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/plan/plan.h"

namespace shoal::plan {

// By axis of the nest: lanes along it, and points of a thread in one tile of it.
struct Deal {
  std::vector<int64_t> lanes, tile;
};

// The axis along which neighbouring points of an access are neighbours in memory, if wide accesses may go along it;
// else -1.
int contiguous_axis(const Plan& plan, const Nest& nest, const Access& access);

class LaneCost {
 public:
  // `binding` has the warps already.
  LaneCost(const Plan& plan, const Nest& nest, const Binding& binding);

  double operator()(const Deal& deal) const;

  // Points of an axis that the lanes of one warp share.
  int64_t extent(size_t axis) const;
  // By axis: how many neighbouring points must stand in one body so that the rests of quotients are known for each.
  const std::vector<int64_t>& phases() const { return phases_; }
  // Whether the scalar of the body is one that the summed one is computed from.
  bool is_summed(size_t scalar) const { return feeds_reduction_[scalar]; }
  // Whether neighbouring points along the parallel axis read what other steps of the reduction have read: a window.
  bool slides(size_t axis) const { return slides_[axis]; }
  // Steps of each reduced axis that stand in one body, for a tile of so many points: a round of a small tile is
  // unrolled until it is worth the loops around it. `lanes`: that share the steps of the last one.
  std::vector<int64_t> steps(int64_t points, int64_t lanes) const;

 private:
  struct Traffic {
    double wide = 0, single = 0;
  };
  using Points = std::vector<int64_t>;  // by axis, those in one body

  void find_windows();
  int64_t distinct(const Index& index, const Points& at) const;
  void count(const Access& access, const Deal& deal, const Points& at, bool in_reduction, Traffic& traffic) const;
  double cycles(double instructions, const Traffic& traffic) const;
  double of_tile(const Deal& deal, const Points& at) const;
  double of_axes(const Deal& deal, Points& at, size_t axis) const;

  const Plan& plan_;
  const Nest& nest_;
  const Binding& binding_;
  std::vector<bool> feeds_reduction_;
  std::vector<bool> slides_;
  Points phases_;
  double quotients_ = 1;  // one of so many points is within the quotients of the summed scalar
};

}  // namespace shoal::plan
