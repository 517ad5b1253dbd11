// The sums (maxima, minima) of one nest: loops over its reduced axes around the accumulators of a register tile.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/lower/scalars.h"

namespace shoal::lower {

class TileReduction {
 public:
  TileReduction(Context& context, const plan::Nest& nest, const plan::Binding& binding, Scalars& scalars);

  // Reduces at each point of a tile, whose axes have `tile` points each, the innermost last; the results become known
  // to the scalars. Where lanes share the steps, each of them gets the whole.
  void reduce(const std::vector<Point>& points, const std::vector<int>& tile);
  // CPU, where all lanes share the steps of a sum: rows[n] holds in lane l the sum at point n * lanes + l.
  std::vector<int32_t> rows(const std::vector<Point>& points, const std::vector<int>& tile);

  bool lanes_share_sum() const;
  int32_t combine(int32_t a, int32_t b);

 private:
  struct Accumulated {
    std::vector<int32_t> values;  // by point, of the steps of each lane
    int32_t addition = -1;        // the scalar that this is, where the sum began with what is added to it
  };
  Accumulated accumulate_all(const std::vector<Point>& points, const std::vector<int>& tile);
  int32_t identity();
  int64_t extent(size_t axis) const;
  std::vector<size_t> streamed(size_t points, const std::vector<int>& tile) const;
  int32_t total(const std::vector<int32_t>& values, size_t point);
  int32_t shared_among_lanes(int32_t sum);
  int64_t steps_of_thread(size_t reduced) const;
  int64_t index_of_step(size_t axis, int64_t n) const;
  void reduce_axis(size_t axis, std::vector<Point>& points, std::vector<int32_t>& values);
  int64_t unroll_of(size_t axis, int64_t n) const;
  void reduce_points(size_t axis, int64_t begin, int64_t end, const std::vector<Point>& points,
                     std::vector<int32_t>& values);
  void expect_steps(const std::vector<std::vector<Point>>& steps);
  int32_t accumulate(int32_t accumulator, const Point& point);
  bool is_zero(int32_t value) const;
  bool is_identity(int32_t value) const;

  Context& context_;
  kernel::Builder& builder_;
  const plan::Nest& nest_;
  const plan::Binding& binding_;
  Scalars& scalars_;
  int64_t sums_ = 1;              // accumulators of a point
  std::vector<size_t> streamed_;  // points of the tile, in the order in which they are accumulated
  double identity_ = 0;           // of the reduction
};

}  // namespace shoal::lower
