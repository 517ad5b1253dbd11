// Accumulators stay in registers through all loops; what one step adds to them is read once for the whole tile.
#include "compiler/lower/tile_reduction.h"

#include <algorithm>
#include <numeric>

#include "compiler/lower/bracket.h"
#include "compiler/lower/sum_across.h"

namespace shoal::lower {

using kernel::Op;

TileReduction::TileReduction(Context& context, const plan::Nest& nest, const plan::Binding& binding, Scalars& scalars)
    : context_(context), builder_(context.builder), nest_(nest), binding_(binding), scalars_(scalars) {}

int64_t TileReduction::extent(size_t axis) const {
  return nest_.axes[axis].sample ? context_.chunk.extent : nest_.axes[axis].extent;
}

TileReduction::Accumulated TileReduction::accumulate_all(const std::vector<Point>& points,
                                                         const std::vector<int>& tile) {
  bool over_axes = nest_.parallel_count() < static_cast<int>(nest_.axes.size());
  sums_ = over_axes ? std::min<int64_t>(context_.plan.schedule.sums, steps_of_thread(nest_.axes.size() - 1)) : 1;
  std::vector<int32_t> values(points.size() * static_cast<size_t>(sums_), identity());
  scalars_.prepare_operand(points);
  const bool begins = nest_.reduction == Reduction::sum && !nest_.over_chunks && !lanes_share_sum();
  const int32_t addition = begins ? scalars_.addition_to_accumulator() : -1;
  if (addition >= 0) {
    const std::vector<int32_t> addends = scalars_.addends(addition, points);
    for (size_t i = 0; i < points.size(); ++i) values[i * static_cast<size_t>(sums_)] = addends[i];
  }
  std::vector<Point> at = points;
  for (size_t a = static_cast<size_t>(nest_.parallel_count()); a < nest_.axes.size(); ++a)
    for (Point& p : at) p[a].add(context_.lane(binding_.axes[a]), binding_.axes[a].vector);
  streamed_ = streamed(points.size(), tile);
  reduce_axis(static_cast<size_t>(nest_.parallel_count()), at, values);
  std::vector<int32_t> sums;
  for (size_t i = 0; i < points.size(); ++i) sums.push_back(total(values, i));
  return {std::move(sums), addition};
}

void TileReduction::reduce(const std::vector<Point>& points, const std::vector<int>& tile) {
  const auto [values, addition] = accumulate_all(points, tile);
  for (size_t i = 0; i < points.size(); ++i) {
    const int32_t sum = shared_among_lanes(values[i]);
    if (addition >= 0)
      scalars_.set(addition, points[i], sum);
    else
      scalars_.set_accumulator(points[i], sum);
  }
}

std::vector<int32_t> TileReduction::rows(const std::vector<Point>& points, const std::vector<int>& tile) {
  const auto lanes = static_cast<size_t>(builder_.kernel().lanes);
  const std::vector<int32_t> parts = accumulate_all(points, tile).values;
  std::vector<int32_t> result;
  const int32_t lane = context_.lane_number();
  for (size_t begin = 0; begin < parts.size(); begin += lanes) {
    const auto first = parts.begin() + static_cast<std::ptrdiff_t>(begin);
    const size_t count = std::min(lanes, parts.size() - begin);
    result.push_back(sum_across(builder_, lane, {first, first + static_cast<std::ptrdiff_t>(count)}));
  }
  return result;
}

int32_t TileReduction::identity() {
  for (const plan::Scalar& s : nest_.body)
    if (s.kind == plan::Scalar::Kind::accumulator) {
      identity_ = s.value;
      return s.dtype == DType::f32 ? builder_.constant(static_cast<float>(s.value))
                                   : builder_.constant_i32(static_cast<int64_t>(s.value));
    }
  return builder_.constant(0);  // nothing reads the result
}

// The order in which a tile's accumulators take up what one step of the reduction adds. One operand of a product goes
// with one axis of the tile, the other with the other: that of the longer axis is read, used up and let go, so that
// only the few of the shorter one stay in registers beside the accumulators.
std::vector<size_t> TileReduction::streamed(size_t points, const std::vector<int>& tile) const {
  std::vector<size_t> order(points);
  std::iota(order.begin(), order.end(), size_t{0});
  if (context_.plan.access > 1) return order;  // the compiler of GPU code orders what it is given
  const auto longest = std::max_element(tile.begin(), tile.end());
  if (longest == tile.end()) return order;
  size_t inner = 1;  // points that follow each other with the same index along the longest axis
  for (auto axis = longest + 1; axis != tile.end(); ++axis) inner *= static_cast<size_t>(*axis);
  const auto along = [&](size_t point) { return point / inner % static_cast<size_t>(*longest); };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return along(a) < along(b); });
  return order;
}

// The accumulators of one point, combined in pairs.
int32_t TileReduction::total(const std::vector<int32_t>& values, size_t point) {
  const auto first = values.begin() + static_cast<int64_t>(point) * sums_;
  std::vector<int32_t> left(first, first + sums_);
  while (left.size() > 1) {
    std::vector<int32_t> next;
    for (size_t i = 0; i + 1 < left.size(); i += 2) next.push_back(combine(left[i], left[i + 1]));
    if (left.size() % 2 == 1) next.push_back(left.back());
    left = std::move(next);
  }
  return left[0];
}

// Where lanes share the steps of a reduced axis, each of them gets the sum of all: pairs of lanes exchange theirs.
int32_t TileReduction::shared_among_lanes(int32_t sum) {
  for (size_t a = static_cast<size_t>(nest_.parallel_count()); a < nest_.axes.size(); ++a)
    for (const int32_t bit : binding_.axes[a].lane_bits) sum = combine(sum, builder_.lanes_xor(sum, int64_t{1} << bit));
  return sum;
}

bool TileReduction::lanes_share_sum() const {
  return std::any_of(binding_.axes.begin() + nest_.parallel_count(), binding_.axes.end(),
                     [](const plan::AxisBinding& axis) { return axis.lane_count > 1; });
}

int64_t TileReduction::steps_of_thread(size_t reduced) const {
  return extent(reduced) / binding_.axes[reduced].lane_count;
}

// The first lane's index at a thread's n-th step along a reduced axis.
int64_t TileReduction::index_of_step(size_t axis, int64_t n) const {
  const int64_t vector = binding_.axes[axis].vector;
  return n / vector * binding_.axes[axis].lane_count * vector + n % vector;
}

// Accumulates over the reduced axes from `axis` on; `values` are the accumulators, sums_ of them a point.
void TileReduction::reduce_axis(size_t axis, std::vector<Point>& points, std::vector<int32_t>& values) {
  if (axis == nest_.axes.size()) {
    // The innermost index deals the elements out: its constant part, as loops advance by multiples of sums_.
    for (const size_t i : streamed_) {
      size_t sum = sums_ > 1 ? static_cast<size_t>(points[i].back().constant % sums_) : 0;
      int32_t& value = values[i * static_cast<size_t>(sums_) + sum];
      value = accumulate(value, points[i]);
    }
    return;
  }
  int64_t n = steps_of_thread(axis), unroll = unroll_of(axis, n);
  int64_t full = n / unroll * unroll;
  if (n <= unroll) return reduce_points(axis, 0, n, points, values);
  std::vector<int32_t> vars;
  for (int32_t value : values) vars.push_back(builder_.var(value));
  std::vector<Point> inside = points;
  int32_t counter = -1;
  bracket(
      context_, scalars_, [&] { counter = builder_.loop(builder_.constant_i32(full), unroll); },
      [&] {
        for (Point& p : inside) p[axis].add(counter, binding_.axes[axis].lane_count);
        std::vector<int32_t> running;
        for (int32_t var : vars) running.push_back(builder_.get(var));
        reduce_points(axis, 0, unroll, inside, running);
        for (size_t i = 0; i < vars.size(); ++i) builder_.set(vars[i], running[i]);
      });
  for (size_t i = 0; i < vars.size(); ++i) values[i] = builder_.get(vars[i]);
  if (full < n) reduce_points(axis, full, n, points, values);
}

// Indices of a reduced axis that stand in one body of its loop. A loop that would run once is none, and a rest is
// avoided, except where wide accesses want whole runs or several sums their turns.
int64_t TileReduction::unroll_of(size_t axis, int64_t n) const {
  bool innermost = axis + 1 == nest_.axes.size();
  int64_t tile = binding_.axes[axis].tile;
  int64_t wanted = std::max<int64_t>(tile, innermost ? context_.plan.schedule.unroll / tile * tile : 1);
  if (n <= wanted || (n < 2 * wanted && context_.plan.access == 1)) return n;
  if (context_.plan.access > 1 || tile > 1 || sums_ > 1) return wanted;
  for (int64_t t = wanted; t * 2 > wanted; --t)
    if (n % t == 0) return t;
  return wanted;
}

void TileReduction::reduce_points(size_t axis, int64_t begin, int64_t end, const std::vector<Point>& points,
                                  std::vector<int32_t>& values) {
  std::vector<std::vector<Point>> steps(static_cast<size_t>(end - begin), points);
  for (int64_t k = begin; k < end; ++k)
    for (Point& p : steps[static_cast<size_t>(k - begin)]) p[axis].constant += index_of_step(axis, k);
  // Points with and without the loop counter share constants, so what they compute is kept apart. Elements that one
  // wide access brings serve what comes later too.
  bool apart = context_.plan.access == 1;
  if (apart) context_.open();
  scalars_.open();
  if (axis + 1 == nest_.axes.size()) expect_steps(steps);
  for (std::vector<Point>& at : steps) reduce_axis(axis + 1, at, values);
  scalars_.close();
  if (apart) context_.close();
}

void TileReduction::expect_steps(const std::vector<std::vector<Point>>& steps) {
  if (context_.plan.access == 1) return;
  std::vector<Point> all;
  for (const std::vector<Point>& at : steps) all.insert(all.end(), at.begin(), at.end());
  scalars_.expect_operand(all);
}

int32_t TileReduction::accumulate(int32_t accumulator, const Point& point) {
  int32_t operand = scalars_.under_guards(nest_.reduced, identity_, point);
  if (operand < 0) return accumulator;
  if (nest_.reduction == Reduction::sum && scalars_.is_product(operand)) {
    const plan::Scalar& product = nest_.body[operand];
    int32_t a = scalars_.evaluate(product.args[0], point);
    if (is_zero(a)) return accumulator;
    int32_t b = scalars_.evaluate(product.args[1], point);
    return is_zero(b) ? accumulator : builder_.emit(Op::fma, a, b, accumulator);
  }
  return combine(accumulator, scalars_.evaluate(operand, point));
}

// A guarded factor outside of its window.
bool TileReduction::is_zero(int32_t value) const {
  const kernel::Instruction& i = builder_.kernel().code[value];
  return i.op == Op::constant && i.type == kernel::Type::f32 && i.fimm == 0;
}

// An accumulator that holds nothing yet.
bool TileReduction::is_identity(int32_t value) const {
  const kernel::Instruction& i = builder_.kernel().code[value];
  if (i.op != Op::constant) return false;
  return i.type == kernel::Type::f32 ? i.fimm == static_cast<float>(identity_)
                                     : i.imm == static_cast<int64_t>(identity_);
}

// What is combined with nothing stays as it is. So a sum starts from its first addend, and one of negative zeros alone
// is a negative zero; numbers too small to be normal, which an addition would flush, are left to the next instruction.
int32_t TileReduction::combine(int32_t a, int32_t b) {
  if (is_identity(a)) return b;
  if (is_identity(b)) return a;
  switch (nest_.reduction) {
    case Reduction::sum: return builder_.emit(Op::add, a, b);
    case Reduction::max: return builder_.emit(Op::max, a, b);
    case Reduction::min: return builder_.emit(Op::min, a, b);
  }
  return -1;
}

}  // namespace shoal::lower
