// The reduction of a contraction that is bound to tensor cores.
#pragma once

#include <array>
#include <functional>

#include "compiler/lower/scalars.h"

namespace shoal::lower {

// The points of one thread along the rows or the columns of the open tile.
struct MmaAxis {
  Linear start;       // the first point of the warp's block
  int points = 1;     // of the thread
  int vector = 1;     // neighbours among them
  int64_t limit = 0;  // points from here on are none; 0: all are
};

class MmaReduction {
 public:
  MmaReduction(Context& context, const plan::Nest& nest, const plan::Binding& binding);

  // Sums over the reduced axes at the tile whose first point is `base` (rows and columns are taken from the two axes)
  // and gives each sum to `take`, by number of the thread's point along rows and columns.
  void reduce(const Point& base, const MmaAxis& rows, const MmaAxis& columns,
              const std::function<void(int row, int column, int32_t value)>& take);

 private:
  // What a thread holds of A and of B: elements at its points, of which each register takes one (tf32) or two (bf16).
  struct Operand {
    Scalars scalars;  // of its own: a thread loads elements at other points than those of its sums
    int32_t scalar;
    size_t axis;
    MmaAxis points = {};
    Point base = {};
    std::vector<int64_t> offsets = {};  // of its points
  };
  // A register, and what rounding has taken from it where there are three passes.
  struct Register {
    int32_t value = -1, rest = -1;
  };

  int64_t extent(size_t axis) const;
  void place(Operand& operand, const Point& base, const MmaAxis& points, int lanes, int share);
  void axis(size_t axis);
  void sum_axis();
  void block(int64_t begin, int points, int64_t limit);
  void multiply(const std::vector<std::array<Register, 2>>& a, const std::vector<std::array<Register, 2>>& b);
  std::vector<std::array<Register, 2>> registers(Operand& operand, const std::vector<int64_t>& sum_points);
  int32_t element(Operand& operand, int64_t offset, int64_t sum_point);
  Register round(int32_t value);
  int32_t zero() { return builder_.constant(0.0f); }
  // A loop over `body`, with the sums as its variables.
  void loop(size_t axis, int64_t extent, int64_t step, const std::function<void()>& body);

  Context& context_;
  kernel::Builder& builder_;
  const plan::Nest& nest_;
  const plan::Binding& binding_;
  Precision precision_;
  size_t sum_axis_;
  Operand a_, b_;
  int columns_ = 1;
  std::vector<int32_t> sums_;  // by row and column of the thread
};

}  // namespace shoal::lower
