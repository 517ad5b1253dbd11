// Contractions on tensor cores: each warp computes tiles of 16 x 8 sums with the lanes as kernel/tensor.h has them.
//
// Rows, columns and the summed axis may be permuted, so a thread's rows (of lanes 4 apart), columns and summed elements
// are neighbours, which loads and stores then take together. A thread sums at its rows and its columns (four lanes
// along them), but holds elements of B for half as many columns, as eight lanes share those: column c of a product is
// column c / 2 of a thread's first half when c is even, of its second half when it is odd.
#include "compiler/lower/lower_mma.h"

#include "compiler/plan/bind.h"

namespace shoal::lower {

using kernel::Op;

namespace {

constexpr int lanes_of_rows = 8, lanes_of_sum = 4;

plan::Contraction contraction_of(const Context& context, const plan::Nest& nest, const plan::Binding& binding) {
  plan::Contraction c = *plan::contraction_of(context.plan, nest);
  if (!(c.a_axes >> binding.mma_rows & 1)) std::swap(c.a, c.b), std::swap(c.a_axes, c.b_axes);
  return c;
}

}  // namespace

MmaReduction::MmaReduction(Context& context, const plan::Nest& nest, const plan::Binding& binding)
    : context_(context),
      builder_(context.builder),
      nest_(nest),
      binding_(binding),
      precision_(context.plan.schedule.precision),
      sum_axis_(nest.axes.size() - 1),
      a_{Scalars(context, nest), contraction_of(context, nest, binding).a, static_cast<size_t>(binding.mma_rows)},
      b_{Scalars(context, nest), contraction_of(context, nest, binding).b, static_cast<size_t>(binding.mma_columns)} {}

int64_t MmaReduction::extent(size_t axis) const {
  return nest_.axes[axis].sample ? context_.chunk.extent : nest_.axes[axis].extent;
}

// Lanes 4 apart have neighbouring points; `share` threads of the sums have one thread's elements among them.
void MmaReduction::place(Operand& operand, const Point& base, const MmaAxis& points, int lanes, int share) {
  plan::AxisBinding lanes_of_axis;
  lanes_of_axis.lane_count = lanes;
  lanes_of_axis.lane_bits = {2, 3, 4};
  operand.points = points;
  operand.points.points /= share, operand.points.vector /= share;
  operand.base = base;
  operand.base[operand.axis] = points.start;
  operand.base[operand.axis].add(context_.lane(lanes_of_axis), operand.points.vector);
  operand.offsets.clear();
  for (int t = 0; t < operand.points.points; ++t) {
    int vector = operand.points.vector;
    operand.offsets.push_back(int64_t{t} / vector * lanes * vector + t % vector);
  }
  operand.scalars.set_limit(operand.axis, points.limit);
}

void MmaReduction::reduce(const Point& base, const MmaAxis& rows, const MmaAxis& columns,
                          const std::function<void(int row, int column, int32_t value)>& take) {
  place(a_, base, rows, lanes_of_rows, 1);
  place(b_, base, columns, lanes_of_rows, 2);
  columns_ = columns.points;
  sums_.assign(static_cast<size_t>(rows.points) * static_cast<size_t>(columns_), zero());
  a_.scalars.open(), b_.scalars.open();
  axis(static_cast<size_t>(nest_.parallel_count()));
  a_.scalars.close(), b_.scalars.close();
  for (int r = 0; r < rows.points; ++r)
    for (int c = 0; c < columns_; ++c) take(r, c, sums_[static_cast<size_t>(r * columns_ + c)]);
}

void MmaReduction::loop(size_t axis, int64_t extent, int64_t step, const std::function<void()>& body) {
  if (extent <= step) return body();
  std::vector<int32_t> vars;
  for (int32_t sum : sums_) vars.push_back(builder_.var(sum));
  int32_t counter = builder_.loop(builder_.constant_i32(extent), step);
  context_.open(), a_.scalars.open(), b_.scalars.open();
  const Linear before_a = a_.base[axis], before_b = b_.base[axis];
  a_.base[axis].add(counter, 1), b_.base[axis].add(counter, 1);
  for (size_t i = 0; i < vars.size(); ++i) sums_[i] = builder_.get(vars[i]);
  body();
  for (size_t i = 0; i < vars.size(); ++i) builder_.set(vars[i], sums_[i]);
  a_.base[axis] = before_a, b_.base[axis] = before_b;
  b_.scalars.close(), a_.scalars.close(), context_.close();
  builder_.end();
  for (size_t i = 0; i < vars.size(); ++i) sums_[i] = builder_.get(vars[i]);
}

void MmaReduction::axis(size_t axis) {
  if (axis == sum_axis_) return sum_axis();
  loop(axis, extent(axis), 1, [&] { this->axis(axis + 1); });
}

void MmaReduction::sum_axis() {
  const plan::AxisBinding& spread = binding_.axes[sum_axis_];
  const int64_t n = extent(sum_axis_), span = int64_t{lanes_of_sum} * spread.tile, full = n / span * span;
  const int least = precision_ == Precision::bf16 ? 4 : 2;
  if (full > 0) loop(sum_axis_, full, span, [&] { block(0, spread.tile, 0); });
  if (full == n) return;
  int points = spread.tile;
  while (points / 2 >= least && lanes_of_sum * points / 2 >= n - full) points /= 2;
  block(full, points, n);
}

// `points` neighbours of each of the four lanes, from `begin` on; those from `limit` on (if any) count as zeros.
void MmaReduction::block(int64_t begin, int points, int64_t limit) {
  context_.open(), a_.scalars.open(), b_.scalars.open();
  const Linear before_a = a_.base[sum_axis_], before_b = b_.base[sum_axis_];
  std::vector<int64_t> all;
  for (int k = 0; k < points; ++k) all.push_back(k);
  for (Operand* operand : {&a_, &b_}) {
    operand->base[sum_axis_].constant += begin;
    operand->base[sum_axis_].add(context_.lane(binding_.axes[sum_axis_]), points);
    operand->scalars.set_limit(sum_axis_, limit);
    std::vector<Point> elements;
    for (int64_t offset : operand->offsets)
      for (int64_t k : all) {
        elements.push_back(operand->base);
        elements.back()[operand->axis].constant += offset;
        elements.back()[sum_axis_].constant += k;
      }
    operand->scalars.expect_value(operand->scalar, elements);
  }
  const int step = precision_ == Precision::bf16 ? 4 : 2;
  for (int k = 0; k < points; k += step) {
    if (limit > 0 && begin + k >= limit) break;  // the first lane's; the others' are behind it
    const std::vector<int64_t> taken(all.begin() + k, all.begin() + k + step);
    multiply(registers(a_, taken), registers(b_, taken));
  }
  a_.base[sum_axis_] = before_a, b_.base[sum_axis_] = before_b;
  for (Operand* operand : {&a_, &b_}) operand->scalars.set_limit(sum_axis_, 0);
  b_.scalars.close(), a_.scalars.close(), context_.close();
}

// By point of the operand: its two registers for these elements of the summed axis.
std::vector<std::array<MmaReduction::Register, 2>> MmaReduction::registers(Operand& operand,
                                                                           const std::vector<int64_t>& sum_points) {
  std::vector<std::array<Register, 2>> result;
  const size_t half = sum_points.size() / 2;
  for (int64_t offset : operand.offsets) {
    std::array<Register, 2> pair;
    for (size_t r = 0; r < 2; ++r) {
      int32_t first = element(operand, offset, sum_points[r * half]);
      if (half == 1)
        pair[r] = round(first);
      else
        pair[r] = {builder_.emit(Op::bf16_pair, first, element(operand, offset, sum_points[r * half + 1])), -1};
    }
    result.push_back(pair);
  }
  return result;
}

int32_t MmaReduction::element(Operand& operand, int64_t offset, int64_t sum_point) {
  Point point = operand.base;
  point[operand.axis].constant += offset;
  point[sum_axis_].constant += sum_point;
  const int32_t within_points = operand.scalars.within_limit(operand.axis, point);
  const int32_t within_sum = operand.scalars.within_limit(sum_axis_, point);
  if (within_points == Scalars::impossible || within_sum == Scalars::impossible) return zero();
  int32_t value = operand.scalars.evaluate(operand.scalar, point);
  // A load beyond the limit is zero already; what is computed from one may be anything. Rows and columns beyond theirs
  // only spoil themselves.
  bool is_load = nest_.body[operand.scalar].kind == plan::Scalar::Kind::load;
  return within_sum == Scalars::certain || is_load ? value : builder_.emit(Op::select, within_sum, value, zero());
}

MmaReduction::Register MmaReduction::round(int32_t value) {
  const kernel::Instruction& in = builder_.kernel().code[value];
  if (in.op == Op::constant && in.fimm == 0) return {value, value};
  if (precision_ != Precision::f32x3) return {builder_.emit(Op::tf32, value), -1};
  // The same rounding by two integer instructions, where the device's conversion takes four. A NaN may become anything,
  // but its rest stays one.
  int32_t bits = builder_.emit(Op::add, builder_.emit(Op::bits_i32, value), builder_.constant_i32(1 << 12));
  int32_t rounded = builder_.emit(Op::bits_f32, builder_.emit(Op::band, bits, builder_.constant_i32(0xffffe000)));
  return {rounded, builder_.emit(Op::sub, value, rounded)};
}

// The small products first, so that the large ones' sums round them once. Passes go around the tiles: a product need
// not wait for the one before.
void MmaReduction::multiply(const std::vector<std::array<Register, 2>>& a,
                            const std::vector<std::array<Register, 2>>& b) {
  const bool bf16 = precision_ == Precision::bf16;
  const int passes = precision_ == Precision::f32x3 ? 3 : 1;
  const int32_t none = bf16 ? builder_.constant_i32(0) : zero();
  const int rows = static_cast<int>(a.size()), vector = b_.points.vector;
  for (int pass = passes; pass-- > 0;) {
    const auto of_a = [&](int row, int r) { return row >= rows ? none : pass == 2 ? a[row][r].rest : a[row][r].value; };
    const auto of_b = [&](size_t column, int r) { return pass == 1 ? b[column][r].rest : b[column][r].value; };
    for (int row = 0; row < rows; row += 2)
      for (size_t column = 0; column < b.size(); ++column) {
        // The two columns of the thread's sums that the operand's column stands for, in its group of neighbours.
        const int group = static_cast<int>(column) / vector * 2 * vector, at = static_cast<int>(column) % vector;
        std::array<int32_t*, 4> sums{};
        for (int r = 0; r < 4; ++r) {
          const int own_row = row + r / 2, own_column = group + at + r % 2 * vector;
          if (own_row < rows) sums[r] = &sums_[static_cast<size_t>(own_row * columns_ + own_column)];
        }
        std::array<int32_t, 4> c{};
        for (int r = 0; r < 4; ++r) c[r] = sums[r] ? *sums[r] : zero();
        const std::array<int32_t, 4> d = builder_.mma({of_a(row, 0), of_a(row + 1, 0), of_a(row, 1), of_a(row + 1, 1)},
                                                      {of_b(column, 0), of_b(column, 1)}, c);
        for (int r = 0; r < 4; ++r)
          if (sums[r]) *sums[r] = d[r];
      }
  }
}

}  // namespace shoal::lower
