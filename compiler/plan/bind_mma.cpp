// GPU: binds contractions to tensor cores (kernel/tensor.h).
//
// Rows, columns and the summed axis of a product may be permuted as one likes. So a thread has neighbouring points
// along all three: of the rows and the columns those that the tile of an ordinary nest would have, which leaves stores
// and epilogues as they are, and of the summed axis as many as are loaded at once.
#include <algorithm>
#include <array>
#include <vector>

#include "compiler/plan/bind.h"

namespace shoal::plan {
namespace {

constexpr int64_t lanes_of_rows = 8, lanes_of_columns = 4, lanes_of_sum = 4;

// Static estimates, cycles of a multiprocessor.
constexpr double cycles_of_mma = 1.6;          // m16n8k8 of tf32, m16n8k16 of bf16
constexpr double slots_of_cycle = 4;           // warp instructions issued in a cycle
constexpr double integers_of_cycle = 2;        // of these, integer arithmetic
constexpr double wavefronts_of_load = 2;       // of a wide load from shared memory
constexpr double instructions_of_guard = 3;    // of an element that the end of an axis may cut off
constexpr double multiply_adds_of_cycle = 90;  // that an ordinary nest reaches, of 128

uint32_t axes_of(const Nest& nest, const Index& index) {
  uint32_t axes = 0;
  for (const Term& term : index.terms) {
    if (term.axis == time_axis) continue;
    size_t a = static_cast<size_t>(term.axis);
    axes |= a < nest.axes.size() ? 1u << a : axes_of(nest, nest.quotients[a - nest.axes.size()].numerator);
  }
  return axes;
}

// The axes that a scalar depends on.
uint32_t axes_of(const Plan& plan, const Nest& nest, int32_t scalar) {
  if (scalar < 0) return 0;
  const Scalar& s = nest.body[scalar];
  uint32_t axes = axes_of(nest, s.index) | axes_of(plan, nest, s.access.indirect);
  for (int32_t arg : s.args) axes |= axes_of(plan, nest, arg);
  for (const Index& index : s.access.dims) axes |= axes_of(nest, index);
  for (const Guard& guard : s.guards)
    axes |= guard.quotient >= 0 ? axes_of(nest, nest.quotients[guard.quotient].numerator) : axes_of(nest, guard.index);
  bool of_sample =
      s.kind == Scalar::Kind::position || (s.kind == Scalar::Kind::load && plan.values[s.access.value].varies.sample);
  for (size_t a = 0; a < nest.axes.size(); ++a)
    if (of_sample && nest.axes[a].sample) axes |= 1u << a;
  return axes;
}

// Whether the scalar reads what the nest stores, or the result of the sum.
bool reads_results(const Nest& nest, int32_t scalar) {
  if (scalar < 0) return false;
  const Scalar& s = nest.body[scalar];
  if (s.kind == Scalar::Kind::accumulator) return true;
  if (s.kind == Scalar::Kind::load)
    for (const Store& store : nest.stores)
      if (store.access.value == s.access.value) return true;
  return reads_results(nest, s.access.indirect) ||
         std::any_of(s.args.begin(), s.args.end(), [&](int32_t arg) { return reads_results(nest, arg); });
}

struct MmaTile {
  int rows = -1, columns = -1;  // axes
  int64_t row_points = 1, column_points = 2, sum_points = 2;
  double cycles = 0;
};

class MmaBinder {
 public:
  MmaBinder(const Plan& plan, const Nest& nest, Binding& binding, const Contraction& contraction)
      : plan_(plan), nest_(nest), binding_(binding), contraction_(contraction) {}

  bool run() {
    std::optional<MmaTile> best;
    for (int rows = 0; rows < nest_.parallel_count(); ++rows)
      for (int columns = 0; columns < nest_.parallel_count(); ++columns) {
        uint32_t r = 1u << rows, c = 1u << columns, a = contraction_.a_axes, b = contraction_.b_axes;
        bool as_written = (a & r) && !(b & r) && (b & c) && !(a & c);
        bool swapped = (b & r) && !(a & r) && (a & c) && !(b & c);
        if (as_written || swapped) tiles(rows, columns, &best);
      }
    if (!best || best->cycles >= plain_cycles()) return false;
    apply(*best);
    return true;
  }

 private:
  bool bf16() const { return plan_.schedule.precision == Precision::bf16; }
  int64_t extent(size_t a) const {
    int64_t all = nest_.axes[a].sample ? std::min(plan_.chunk, nest_.axes[a].extent) : nest_.axes[a].extent;
    return ceil_div(all, binding_.axes[a].warp_count);
  }

  void tiles(int rows, int columns, std::optional<MmaTile>* best) const {
    int64_t budget = std::max(4, plan_.schedule.tile_sample * plan_.schedule.tile_unit);
    for (int64_t row_points : {4, 2, 1})
      for (int64_t column_points : {8, 4, 2})
        for (int64_t sum_points : {4, 2}) {
          if (row_points * column_points > budget || (bf16() && sum_points < 4)) continue;
          MmaTile tile{rows, columns, row_points, column_points, sum_points};
          tile.cycles = cycles(tile);
          if (!*best || tile.cycles < (*best)->cycles) *best = tile;
        }
  }

  // An axis as its whole tiles, and the one that its end cuts, where elements are loaded one by one under a guard.
  struct Tiles {
    double count = 0;
    bool ragged = false;
  };
  static std::vector<Tiles> tiles_of(int64_t extent, int64_t span) {
    std::vector<Tiles> tiles;
    if (extent >= span) tiles.push_back({static_cast<double>(extent / span), false});
    if (extent % span != 0) tiles.push_back({1, true});
    return tiles;
  }

  double cycles(const MmaTile& t) const {
    double others = 1;
    for (size_t a = 0; a + 1 < nest_.axes.size(); ++a)
      if (static_cast<int>(a) != t.rows && static_cast<int>(a) != t.columns) others *= static_cast<double>(extent(a));
    const int64_t sums = extent(nest_.axes.size() - 1), rest = sums % (lanes_of_sum * t.sum_points);
    int64_t last = t.sum_points;  // points of the round that the end of the sum cuts
    while (last / 2 >= (bf16() ? 4 : 2) && lanes_of_sum * last / 2 >= rest) last /= 2;
    double all = 0;
    for (const Tiles& rows : tiles_of(extent(static_cast<size_t>(t.rows)), lanes_of_rows * t.row_points))
      for (const Tiles& columns :
           tiles_of(extent(static_cast<size_t>(t.columns)), lanes_of_columns * t.column_points)) {
        double tile = static_cast<double>(sums / (lanes_of_sum * t.sum_points)) *
                      round_cycles(t, t.sum_points, rows.ragged, columns.ragged);
        if (rest > 0) tile += round_cycles(t, last, true, true);
        const double instructions_of_point = rows.ragged || columns.ragged ? 6 : 4;
        tile += static_cast<double>(t.row_points * t.column_points) * instructions_of_point / slots_of_cycle;
        all += rows.count * columns.count * tile;
      }
    return others * all;
  }

  // Of one round of a tile's sums, in which a thread takes so many elements of the summed axis.
  double round_cycles(const MmaTile& t, int64_t sum_points, bool ragged_rows, bool ragged_columns) const {
    const double rows = static_cast<double>(t.row_points * sum_points),
                 columns = static_cast<double>(t.column_points / 2 * sum_points);
    const double width = sum_points % 4 == 0 || (t.row_points % 4 == 0 && t.column_points == 8) ? 4 : 2;
    const double single = (ragged_rows ? rows : 0) + (ragged_columns ? columns : 0);
    const double wide = (rows + columns - single) / width;
    const double passes = plan_.schedule.precision == Precision::f32x3 ? 3 : 1;
    const double products =
        static_cast<double>(ceil_div(t.row_points, 2) * t.column_points / 2 * sum_points) * passes / (bf16() ? 4 : 2);
    const double conversions = (rows + columns) * (bf16() ? 0.5 : passes == 3 ? 2.3 : 3);
    const double issued = wide + single * (1 + instructions_of_guard) + conversions + products + 6;
    const double integers = single * instructions_of_guard + conversions * (bf16() ? 1 : 0.6);
    return std::max({products * cycles_of_mma, issued / slots_of_cycle, integers / integers_of_cycle,
                     wide * wavefronts_of_load + single}) +
           0.05 * issued;
  }

  double plain_cycles() const {
    double points = 1, sums = 1;
    for (size_t a = 0; a < nest_.axes.size(); ++a) {
      const bool reduced = nest_.axes[a].reduced;
      const int64_t lanes = reduced ? 1 : binding_.axes[a].lane_count;
      (reduced ? sums : points) *= static_cast<double>(ceil_div(extent(a), lanes) * lanes);
    }
    constexpr double points_of_warp = 32;
    return points * sums / multiply_adds_of_cycle + points / points_of_warp * 4 / slots_of_cycle;
  }

  void apply(const MmaTile& t) {
    binding_.mma_rows = t.rows, binding_.mma_columns = t.columns;
    set(static_cast<size_t>(t.rows), lanes_of_rows, {2, 3, 4}, t.row_points);
    set(static_cast<size_t>(t.columns), lanes_of_columns, {0, 1}, t.column_points);
    set(nest_.axes.size() - 1, lanes_of_sum, {0, 1}, t.sum_points);
  }

  void set(size_t axis, int64_t lanes, std::vector<int32_t> bits, int64_t tile) {
    AxisBinding& b = binding_.axes[axis];
    b.threads *= static_cast<int32_t>(lanes);
    b.lane_count = static_cast<int32_t>(lanes);
    b.lane_bits = std::move(bits);
    b.tile = b.vector = static_cast<int32_t>(tile);
    b.padded = true;
  }

  const Plan& plan_;
  const Nest& nest_;
  Binding& binding_;
  const Contraction& contraction_;
};

}  // namespace

std::optional<Contraction> contraction_of(const Plan& plan, const Nest& nest) {
  if (nest.reduced < 0 || nest.reduction != Reduction::sum || nest.relayout || nest.axes.size() > 32) return {};
  if (nest.parallel_count() == static_cast<int>(nest.axes.size())) return {};
  const Scalar& product = nest.body[nest.reduced];
  if (product.kind != Scalar::Kind::primitive || product.prim != Prim::mul || product.dtype != DType::f32) return {};
  Contraction c{product.args[0], product.args[1], axes_of(plan, nest, product.args[0]),
                axes_of(plan, nest, product.args[1])};
  uint32_t last = 1u << (nest.axes.size() - 1);
  if (!(c.a_axes & c.b_axes & last) || reads_results(nest, c.a) || reads_results(nest, c.b)) return {};
  return c;
}

bool bind_mma(const Plan& plan, const Nest& nest, Binding& binding) {
  std::optional<Contraction> contraction = contraction_of(plan, nest);
  if (!contraction || binding.axes.back().threads > 1) return false;
  return MmaBinder(plan, nest, binding, *contraction).run();
}

}  // namespace shoal::plan
