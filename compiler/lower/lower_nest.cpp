// One nest: parallel axes outside in, each as full tiles, then a smaller tile, then a guarded rest; inside, the
// reduction.
#include "compiler/lower/lower_nest.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <optional>

#include "compiler/lower/bracket.h"
#include "compiler/lower/lower_mma.h"
#include "compiler/lower/scalars.h"
#include "compiler/lower/tile_reduction.h"

namespace shoal::lower {

using kernel::Op;

namespace {

class NestLowering {
 public:
  NestLowering(Context& context, const plan::Nest& nest, const plan::Binding& binding)
      : context_(context),
        builder_(context.builder),
        nest_(nest),
        binding_(binding),
        scalars_(context, nest),
        reduction_(context, nest, binding, scalars_),
        base_(nest.axes.size()),
        start_(nest.axes.size()) {
    if (binding.mma_rows >= 0) mma_.emplace(context, nest, binding);
  }

  void run() {
    context_.forget_loads();
    for (const plan::AxisBinding& axis : binding_.axes) {  // known from here on, whatever bracket wants them first
      context_.lane(axis);
      context_.warp(axis);
    }
    idle_ = context_.first_of_idle(binding_);
    order_axes();
    scalars_.prepare(0, base_);
    parallel(0);
  }

 private:
  // A reduction's tile walks through what its two axes name. An axis with lanes, of which a tile takes many points,
  // goes outside: that larger part stays in the cache while the other axis runs, and what the other axis names is read
  // fewer times.
  void order_axes() {
    std::vector<size_t> tiled;
    for (size_t a = 0; a < static_cast<size_t>(nest_.parallel_count()); ++a) {
      order_.push_back(a);
      if (binding_.axes[a].tile > 1) tiled.push_back(a);
    }
    auto points = [&](size_t a) { return binding_.axes[a].tile * binding_.axes[a].lane_count; };
    if (nest_.reduced >= 0 && tiled.size() == 2 && binding_.axes[tiled[1]].lane_count > 1 &&
        points(tiled[1]) > points(tiled[0]))
      std::swap(order_[tiled[0]], order_[tiled[1]]);
  }

  int64_t extent(size_t axis) const {
    return nest_.axes[axis].sample ? context_.chunk.extent : nest_.axes[axis].extent;
  }

  void parallel(size_t depth) {
    if (depth == order_.size()) return tile_body();
    size_t axis = order_[depth];
    int64_t n = extent(axis), threads = binding_.axes[axis].threads, span = threads * binding_.axes[axis].tile;
    int64_t full = n / span * span;
    if (full > 0) segment(depth, 0, full, binding_.axes[axis].tile, 0);
    if (binding_.axes[axis].padded) {
      if (full < n) segment(depth, full, full + span, binding_.axes[axis].tile, 0, n);
      return;
    }
    int64_t rest = (n - full) / threads;
    if (rest > 0) segment(depth, full, full + rest * threads, static_cast<int>(rest), 0);
    if (int64_t last = (n - full) % threads; last > 0) segment(depth, n - last, n - last + threads, 1, last);
  }

  // Points of one thread along an open axis.
  struct Tile {
    size_t axis;
    int points;
    int64_t lanes;
    int vector;     // neighbours, which divide the points
    int64_t limit;  // extent of a padded axis that ends in this tile, else 0
    int64_t offset(int t) const { return t / vector * lanes * vector + t % vector; }
  };

  // Indices [begin, end) of the axis: an equal block for each warp (neighbours in memory stay with one of them), in it
  // tile * lanes of them at a time. guard > 0: one for each thread, and only that many threads have work. limit > 0:
  // points from there on are none.
  void segment(size_t depth, int64_t begin, int64_t end, int tile, int64_t guard, int64_t limit = 0) {
    size_t axis = order_[depth];
    const plan::AxisBinding& spread = binding_.axes[axis];
    int64_t lanes = spread.lane_count, span = lanes * tile, block = (end - begin) / spread.warp_count;
    int vector = std::gcd(tile, spread.vector);
    auto body = [&](int32_t counter) {
      base_[axis] = {};
      base_[axis].constant = begin;
      base_[axis].add(context_.warp(spread), block);
      base_[axis].add(counter, 1);
      start_[axis] = base_[axis];
      base_[axis].add(context_.lane(spread), vector);
      tiles_.push_back({axis, tile, lanes, vector, limit});
      scalars_.prepare(1u << axis, base_);
      parallel(depth + 1);
      tiles_.pop_back();
      base_[axis] = {};
    };
    if (guard > 0) {
      int32_t pred = builder_.emit(Op::lt, context_.thread(spread), builder_.constant_i32(guard));
      return bracket(context_, scalars_, [&] { builder_.when(pred); }, [&] { body(-1); });
    }
    // The rest of a CPU's axis is a loop of one turn, as only of loops the code is shared among equal layers; but for
    // quotients, which need to know where they are.
    const bool shares_code = begin > 0 && context_.plan.access == 1 && nest_.quotients.empty();
    if (block == span && !shares_code) {
      // No loop, yet a scope of its own: another segment of this axis has other constants for the same points.
      context_.open();
      scalars_.open();
      body(-1);
      scalars_.close();
      context_.close();
      return;
    }
    int32_t counter = -1;
    bracket(
        context_, scalars_, [&] { counter = builder_.loop(builder_.constant_i32(block), span); },
        [&] { body(counter); });
  }

  std::vector<int> tile_sizes() const {
    std::vector<int> sizes;
    for (const Tile& tile : tiles_) sizes.push_back(tile.points);
    return sizes;
  }

  // All points of the tile, as offsets from base_.
  std::vector<Point> tile_points() const {
    std::vector<Point> points{base_};
    for (const Tile& tile : tiles_) {
      std::vector<Point> next;
      for (const Point& p : points)
        for (int t = 0; t < tile.points; ++t) {
          next.push_back(p);
          next.back()[tile.axis].constant += tile.offset(t);
        }
      points = std::move(next);
    }
    return points;
  }

  // Numbers of points that are stored together: neighbours along the axis along which most stores are neighbours.
  std::vector<std::vector<size_t>> groups(const std::vector<Point>& points) {
    std::map<std::vector<int64_t>, size_t> number;
    for (size_t i = 0; i < points.size(); ++i) number[constants(points[i], 0, 0)] = i;
    const auto neighbour = [&](size_t i, size_t axis, int distance) {
      const auto found = number.find(constants(points[i], axis, distance));
      return found == number.end() ? points.size() : found->second;
    };
    const Tile* best = nullptr;
    size_t best_count = 0;
    for (size_t n = tiles_.size(); n-- > 0;) {
      const Tile& tile = tiles_[n];
      const size_t next = tile.vector == 1 ? points.size() : neighbour(0, tile.axis, 1);
      if (next == points.size()) continue;
      size_t count = 0;
      for (const plan::Store& store : nest_.stores)
        count += context_.neighbours(scalars_.element(store, points[0], -1), scalars_.element(store, points[next], -1));
      if (count > best_count) best_count = count, best = &tile;
    }
    std::vector<std::vector<size_t>> result;
    std::vector<bool> taken(points.size(), false);
    for (size_t i = 0; i < points.size(); ++i) {
      if (taken[i]) continue;
      result.emplace_back();
      for (int n = 0; n < (best ? best->vector : 1); ++n) {
        const size_t p = n == 0 ? i : neighbour(i, best->axis, n);
        if (p == points.size()) break;
        taken[p] = true;
        result.back().push_back(p);
      }
    }
    return result;
  }

  // The constant parts of a point's indices, which tell the points of a tile apart.
  static std::vector<int64_t> constants(const Point& point, size_t axis, int64_t distance) {
    std::vector<int64_t> result;
    for (const Linear& index : point) result.push_back(index.constant);
    if (distance != 0) result[axis] += distance;
    return result;
  }

  void tile_body() {
    std::vector<Point> points = tile_points();
    if (context_.plan.access == 1 && reduction_.lanes_share_sum()) return finish_by_lanes(points);
    // Of equal threads only the first may read, for the reduction, what it then overwrites.
    bool alone = idle_ >= 0 && nest_.reduced >= 0 && scalars_.reads_overwritten(nest_.reduced);
    if (nest_.reduced >= 0 && !alone) reduce(points);
    const std::vector<Point> stored = firsts_of_windows(points);
    std::vector<size_t> own, shared;  // stores of every thread to itself, and those of the first of equal threads
    for (size_t i = 0; i < nest_.stores.size(); ++i)
      (idle_ >= 0 && context_.in_registers(nest_.stores[i].access.value) ? own : shared).push_back(i);
    if (!own.empty()) finish_within(stored, own);
    if (shared.empty()) return;
    auto rest = [&] {
      if (alone) reduce(points);
      finish_within(stored, shared);
    };
    if (idle_ >= 0)
      bracket(context_, scalars_, [&] { builder_.when(idle_); }, rest);
    else
      rest();
  }

  // CPU, where all lanes share the sums: lane l finishes every point whose number has the rest l.
  void finish_by_lanes(const std::vector<Point>& points) {
    std::vector<size_t> stores(nest_.stores.size());
    std::iota(stores.begin(), stores.end(), size_t{0});
    const std::vector<int32_t> rows = reduction_.rows(points, tile_sizes());
    const auto lanes = static_cast<size_t>(builder_.kernel().lanes);
    for (size_t i = 0; i < points.size(); ++i)
      bracket(
          context_, scalars_, [&] { builder_.when(context_.is_lane(i % lanes)); },
          [&] {
            scalars_.set_accumulator(points[i], rows[i / lanes]);
            finish({points[i]}, stores);
          });
  }

  // Those that stores are for: of a window its first one.
  std::vector<Point> firsts_of_windows(const std::vector<Point>& points) const {
    std::vector<Point> firsts;
    for (const Point& point : points)
      if (std::ranges::all_of(scalars_.in_window(point), [](int64_t i) { return i == 0; })) firsts.push_back(point);
    return firsts;
  }

  // Finishes the points that are within the limits of padded axes, with one bracket for those that have the same
  // condition.
  void finish_within(const std::vector<Point>& points, const std::vector<size_t>& stores) {
    std::vector<const Tile*> limited;
    for (const Tile& tile : tiles_)
      if (tile.limit > 0) limited.push_back(&tile);
    if (limited.empty()) return finish(points, stores);
    std::map<std::vector<int64_t>, std::vector<Point>> parts;
    for (const Point& point : points) {
      std::vector<int64_t> key;
      for (const Tile* tile : limited) {
        // Neighbours stand or fall together where the extent is a multiple of them.
        int64_t offset = point[tile->axis].constant - base_[tile->axis].constant;
        key.push_back(tile->limit % tile->vector == 0 ? offset / tile->vector * tile->vector : offset);
      }
      parts[key].push_back(point);
    }
    for (const auto& [offsets, part] : parts) {
      int32_t pred = Scalars::certain;
      for (size_t i = 0; i < limited.size() && pred != Scalars::impossible; ++i) {
        Linear index = base_[limited[i]->axis];
        index.constant += offsets[i];
        pred = scalars_.both(pred, scalars_.within(index, limited[i]->limit));
      }
      if (pred == Scalars::impossible) continue;
      context_.forget_expected();
      if (pred == Scalars::certain)
        finish(part, stores);
      else
        bracket(context_, scalars_, [&] { builder_.when(pred); }, [&] { finish(part, stores); });
    }
  }

  void finish(const std::vector<Point>& points, const std::vector<size_t>& stores) {
    scalars_.expect_stored(points, stores);
    for (const std::vector<size_t>& group : groups(points)) {
      // All loads of a point before its stores: a store may overwrite what it has read.
      std::vector<std::vector<Context::Element>> elements(stores.size());
      for (size_t p : group) {
        if (nest_.over_chunks) add_earlier_chunks(points[p]);
        for (size_t i = 0; i < stores.size(); ++i) {
          const plan::Store& store = nest_.stores[stores[i]];
          elements[i].push_back(scalars_.element(store, points[p], scalars_.evaluate(store.scalar, points[p])));
        }
      }
      for (const auto& run : elements) context_.store_all(run);
    }
  }

  MmaAxis mma_axis(int32_t axis) const {
    for (const Tile& tile : tiles_)
      if (tile.axis == static_cast<size_t>(axis)) return {start_[axis], tile.points, tile.vector, tile.limit};
    return {};
  }

  void reduce(const std::vector<Point>& points) {
    if (mma_) {
      const MmaAxis rows = mma_axis(binding_.mma_rows), columns = mma_axis(binding_.mma_columns);
      const auto offset = [](const MmaAxis& axis, int lanes, int t) {
        return int64_t{t} / axis.vector * lanes * axis.vector + t % axis.vector;
      };
      return mma_->reduce(base_, rows, columns, [&](int row, int column, int32_t value) {
        Point point = base_;
        point[binding_.mma_rows].constant += offset(rows, binding_.axes[binding_.mma_rows].lane_count, row);
        point[binding_.mma_columns].constant += offset(columns, binding_.axes[binding_.mma_columns].lane_count, column);
        scalars_.set_accumulator(point, value);
      });
    }
    reduction_.reduce(points, tile_sizes());
  }

  // In the thread that stores, and only there: others may not read what it is about to write.
  void add_earlier_chunks(const Point& point) {
    int32_t accumulator = scalars_.evaluate(nest_.stores[0].scalar, point);
    scalars_.set_accumulator(point, reduction_.combine(scalars_.load_stored(nest_.stores[0], point), accumulator));
  }

  Context& context_;
  kernel::Builder& builder_;
  const plan::Nest& nest_;
  const plan::Binding& binding_;
  Scalars scalars_;
  TileReduction reduction_;
  Point base_;                       // the tile's first point
  std::vector<size_t> order_;        // parallel axes, outermost first
  std::vector<Tile> tiles_;          // of the open parallel axes
  std::optional<MmaReduction> mma_;  // of a contraction on tensor cores
  Point start_;                      // the first point of the warp's block
  int32_t idle_ = -1;
};

}  // namespace

void lower_nest(Context& context, const plan::Nest& nest, const plan::Binding& binding) {
  NestLowering(context, nest, binding).run();
}

}  // namespace shoal::lower
