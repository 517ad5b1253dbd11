// Scalars: evaluates a nest's body at one point of its axes; equal work at the points of a tile is done once.
#pragma once

#include <vector>

#include "compiler/lower/context.h"

namespace shoal::lower {

// Where the nest stands: for each axis the index, as kernel values times factors plus the constant of a tile point.
using Point = std::vector<Linear>;

class Scalars {
 public:
  Scalars(Context& context, const plan::Nest& nest);

  int32_t evaluate(int32_t scalar, const Point& point);
  // Makes the accumulator's value at a parallel point known to evaluate(), which is asked for it at its window's first
  // point.
  void set_accumulator(const Point& point, int32_t value);
  // The point's place in its window: one index an axis of it.
  std::vector<int64_t> in_window(const Point& point) const;
  void set(int32_t scalar, const Point& point, int32_t value);  // the same of any scalar
  // Evaluates what is already decided by the axes in `known` (a bit each), before loops over the others open.
  void prepare(uint32_t known, const Point& point);
  // Evaluates at each parallel point what the reduced scalar needs and no reduced axis changes, before the reduction
  // loops.
  void prepare_operand(const std::vector<Point>& points);
  // Says which elements the points will read: for the reduced scalar, or for the stores whose numbers are given.
  void expect_operand(const std::vector<Point>& points);
  void expect_value(int32_t scalar, const std::vector<Point>& points);
  void expect_stored(const std::vector<Point>& points, const std::vector<size_t>& stores);
  Context::Element element(const plan::Store& store, const Point& point, int32_t scalar);
  int32_t load_stored(const plan::Store& store, const Point& point);

  // The scalar that is summed at this point where `scalar` is guarded: what is under guards that certainly hold, and -1
  // where one certainly fails, so that the scalar is `identity`.
  int32_t under_guards(int32_t scalar, double identity, const Point& point);

  // The scalar that adds to the accumulator what is known before the reduction (a bias), when it is the accumulator's
  // only user: the sum may as well begin there. -1: there is none.
  int32_t addition_to_accumulator() const;
  std::vector<int32_t> addends(int32_t addition, const std::vector<Point>& points);
  // The two factors, when the reduced scalar is an f32 product that nothing else uses.
  bool is_product(int32_t scalar) const;
  // Whether the reduced scalar reads memory that this nest stores to.
  bool reads_overwritten(int32_t reduced) const { return late_[reduced]; }
  const plan::Nest& nest() const { return nest_; }

  // In the place of a predicate: it holds in every thread, or in none.
  static constexpr int32_t certain = -1, impossible = -2;
  // Predicate that 0 <= index < extent, and that both hold.
  int32_t within(const Linear& index, int64_t extent);
  int32_t both(int32_t a, int32_t b);
  // Points of the axis from `limit` on are none: loads that depend on the axis do not touch their elements and give
  // zero. 0: the axis has no limit.
  void set_limit(size_t axis, int64_t limit) { limits_[axis] = limit; }
  int32_t within_limit(size_t axis, const Point& point);

  void open() { memo_.open(); }
  void close() { memo_.close(); }

 private:
  int32_t compute(int32_t scalar, const Point& point);
  int32_t primitive(const plan::Scalar& scalar, const Point& point);
  int32_t fused(const plan::Scalar& scalar, const Point& point);
  Linear resolve(const plan::Index& index, const Point& point);
  int32_t holds(const std::vector<plan::Guard>& guards, const Point& point);
  int32_t quotient_holds(const plan::Quotient& q, const Point& point);
  int32_t within_limits(int32_t scalar, const Point& point);
  std::vector<Linear> resolve_all(const plan::Access& access, const Point& point);
  Linear chosen(int32_t value) const;
  Linear sample_of(const Point& point) const;
  std::vector<int64_t> key(int32_t scalar, const Point& point) const;
  void expect(std::vector<bool> needed, const std::vector<Point>& points);
  int32_t constant(DType dtype, double value);

  Context& context_;
  kernel::Builder& builder_;
  const plan::Nest& nest_;
  int sample_axis_ = -1;
  std::vector<uint32_t> axes_;   // by scalar: the axes that it depends on, a bit each
  std::vector<int> uses_;        // by scalar
  std::vector<bool> late_;       // by scalar: needs the accumulator, or memory that this nest overwrites
  std::vector<int64_t> limits_;  // by axis
  ScopedMemo<std::vector<int64_t>> memo_;
};

}  // namespace shoal::lower
