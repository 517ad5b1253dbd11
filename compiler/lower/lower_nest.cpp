// One nest: parallel axes outside in, each as full tiles, then a smaller tile, then a guarded rest; inside, the
// reduction.
#include "compiler/lower/lower_nest.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <optional>

#include "compiler/lower/lower_mma.h"
#include "compiler/lower/scalars.h"
#include "compiler/lower/sum_across.h"

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

  // A bracket of the kernel around `body`; what was computed inside is forgotten after it.
  void bracket(const std::function<void()>& begin, const std::function<void()>& body) {
    begin();
    context_.open();
    scalars_.open();
    body();
    scalars_.close();
    context_.close();
    builder_.end();
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
      return bracket([&] { builder_.when(pred); }, [&] { body(-1); });
    }
    if (block == span) {
      // No loop, yet a scope of its own: another segment of this axis has other constants for the same points.
      context_.open();
      scalars_.open();
      body(-1);
      scalars_.close();
      context_.close();
      return;
    }
    int32_t counter = -1;
    bracket([&] { counter = builder_.loop(builder_.constant_i32(block), span); }, [&] { body(counter); });
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
    // Of equal threads only the first may read, for the reduction, what it then overwrites.
    bool alone = idle_ >= 0 && nest_.reduced >= 0 && scalars_.reads_overwritten(nest_.reduced);
    if (nest_.reduced >= 0 && !alone) reduce(points);
    std::vector<size_t> own, shared;  // stores of every thread to itself, and those of the first of equal threads
    for (size_t i = 0; i < nest_.stores.size(); ++i)
      (idle_ >= 0 && context_.in_registers(nest_.stores[i].access.value) ? own : shared).push_back(i);
    if (!own.empty()) finish_within(points, own);
    if (shared.empty()) return;
    auto rest = [&] {
      if (alone) reduce(points);
      finish_within(points, shared);
    };
    if (idle_ >= 0)
      bracket([&] { builder_.when(idle_); }, rest);
    else
      rest();
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
        bracket([&] { builder_.when(pred); }, [&] { finish(part, stores); });
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

  int32_t identity() {
    for (const plan::Scalar& s : nest_.body)
      if (s.kind == plan::Scalar::Kind::accumulator) {
        identity_ = s.value;
        return s.dtype == DType::f32 ? builder_.constant(static_cast<float>(s.value))
                                     : builder_.constant_i32(static_cast<int64_t>(s.value));
      }
    return builder_.constant(0);  // nothing reads the result
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
    if (binding_.across) {
      for (const Point& point : points) scalars_.set_accumulator(point, sum_across_lanes(point));
      return;
    }
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
    streamed_ = streamed(points.size());
    reduce_axis(static_cast<size_t>(nest_.parallel_count()), at, values);
    for (size_t i = 0; i < points.size(); ++i) {
      const int32_t sum = shared_among_lanes(total(values, i));
      if (addition >= 0)
        scalars_.set(addition, points[i], sum);
      else
        scalars_.set_accumulator(points[i], sum);
    }
  }

  // The sums of the lanes' points over the samples, read along the samples: a vector of partial sums for each lane.
  int32_t sum_across_lanes(const Point& point) {
    const size_t samples = nest_.axes.size() - 1;
    const auto has_lanes = [&](const Tile& tile) { return tile.lanes > 1; };
    const Tile& tile = *std::find_if(tiles_.begin(), tiles_.end(), has_lanes);
    const int32_t lane = context_.lane(binding_.axes[tile.axis]);
    const int64_t n = extent(samples), at_once = std::gcd(n, 4 * tile.lanes);
    Point first = point;
    first[tile.axis] = start_[tile.axis];
    first[samples].add(lane, 1);
    std::vector<int32_t> sums(static_cast<size_t>(tile.lanes), identity());
    // A scope of its own: these points of single units have the constants of points that all lanes share.
    const auto add = [&](int32_t counter) {
      context_.open();
      scalars_.open();
      for (int64_t s = 0; s < at_once; s += tile.lanes)
        for (size_t r = 0; r < sums.size(); ++r) {
          Point at = first;
          at[tile.axis].constant += static_cast<int64_t>(r);
          at[samples].add(counter, 1);
          at[samples].constant += s;
          sums[r] = combine(sums[r], scalars_.evaluate(nest_.reduced, at));
        }
      scalars_.close();
      context_.close();
    };
    if (at_once == n) {
      add(-1);
      return sum_across(builder_, lane, sums);
    }
    std::vector<int32_t> vars;
    for (const int32_t sum : sums) vars.push_back(builder_.var(sum));
    int32_t counter = -1;
    bracket([&] { counter = builder_.loop(builder_.constant_i32(n), at_once); },
            [&] {
              for (size_t r = 0; r < vars.size(); ++r) sums[r] = builder_.get(vars[r]);
              add(counter);
              for (size_t r = 0; r < vars.size(); ++r) builder_.set(vars[r], sums[r]);
            });
    for (size_t r = 0; r < vars.size(); ++r) sums[r] = builder_.get(vars[r]);
    return sum_across(builder_, lane, sums);
  }

  // The order in which a tile's accumulators take up what one step of the reduction adds. One operand of a product goes
  // with one axis of the tile, the other with the other: that of the longer axis is read, used up and let go, so that
  // only the few of the shorter one stay in registers beside the accumulators.
  std::vector<size_t> streamed(size_t points) const {
    std::vector<size_t> order(points);
    std::iota(order.begin(), order.end(), size_t{0});
    if (context_.plan.access > 1) return order;  // the compiler of GPU code orders what it is given
    const auto longer = [](const Tile& a, const Tile& b) { return a.points < b.points; };
    const auto longest = std::max_element(tiles_.begin(), tiles_.end(), longer);
    if (longest == tiles_.end()) return order;
    size_t inner = 1;  // points that follow each other with the same index along the longest axis
    for (auto tile = longest + 1; tile != tiles_.end(); ++tile) inner *= static_cast<size_t>(tile->points);
    const auto along = [&](size_t point) { return point / inner % static_cast<size_t>(longest->points); };
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return along(a) < along(b); });
    return order;
  }

  // The accumulators of one point, combined in pairs.
  int32_t total(const std::vector<int32_t>& values, size_t point) {
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
  int32_t shared_among_lanes(int32_t sum) {
    for (size_t a = static_cast<size_t>(nest_.parallel_count()); a < nest_.axes.size(); ++a)
      for (const int32_t bit : binding_.axes[a].lane_bits)
        sum = combine(sum, builder_.lanes_xor(sum, int64_t{1} << bit));
    return sum;
  }

  bool lanes_share_sum() const {
    return std::any_of(binding_.axes.begin() + nest_.parallel_count(), binding_.axes.end(),
                       [](const plan::AxisBinding& axis) { return axis.lane_count > 1; });
  }

  int64_t steps_of_thread(size_t reduced) const { return extent(reduced) / binding_.axes[reduced].lane_count; }

  // The first lane's index at a thread's n-th step along a reduced axis.
  int64_t index_of_step(size_t axis, int64_t n) const {
    const int64_t vector = binding_.axes[axis].vector;
    return n / vector * binding_.axes[axis].lane_count * vector + n % vector;
  }

  // Accumulates over the reduced axes from `axis` on; `values` are the accumulators, sums_ of them a point.
  void reduce_axis(size_t axis, std::vector<Point>& points, std::vector<int32_t>& values) {
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
    bracket([&] { counter = builder_.loop(builder_.constant_i32(full), unroll); },
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
  int64_t unroll_of(size_t axis, int64_t n) const {
    bool innermost = axis + 1 == nest_.axes.size();
    int64_t tile = binding_.axes[axis].tile;
    int64_t wanted = std::max<int64_t>(tile, innermost ? context_.plan.schedule.unroll / tile * tile : 1);
    if (n <= wanted || (n < 2 * wanted && context_.plan.access == 1)) return n;
    if (context_.plan.access > 1 || tile > 1 || sums_ > 1) return wanted;
    for (int64_t t = wanted; t * 2 > wanted; --t)
      if (n % t == 0) return t;
    return wanted;
  }

  void reduce_points(size_t axis, int64_t begin, int64_t end, const std::vector<Point>& points,
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

  void expect_steps(const std::vector<std::vector<Point>>& steps) {
    if (context_.plan.access == 1) return;
    std::vector<Point> all;
    for (const std::vector<Point>& at : steps) all.insert(all.end(), at.begin(), at.end());
    scalars_.expect_operand(all);
  }

  // In the thread that stores, and only there: others may not read what it is about to write.
  void add_earlier_chunks(const Point& point) {
    int32_t accumulator = scalars_.evaluate(nest_.stores[0].scalar, point);
    scalars_.set_accumulator(point, combine(scalars_.load_stored(nest_.stores[0], point), accumulator));
  }

  int32_t accumulate(int32_t accumulator, const Point& point) {
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
  bool is_zero(int32_t value) const {
    const kernel::Instruction& i = builder_.kernel().code[value];
    return i.op == Op::constant && i.type == kernel::Type::f32 && i.fimm == 0;
  }

  int32_t combine(int32_t a, int32_t b) {
    switch (nest_.reduction) {
      case Reduction::sum: return builder_.emit(Op::add, a, b);
      case Reduction::max: return builder_.emit(Op::max, a, b);
      case Reduction::min: return builder_.emit(Op::min, a, b);
    }
    return -1;
  }

  Context& context_;
  kernel::Builder& builder_;
  const plan::Nest& nest_;
  const plan::Binding& binding_;
  Scalars scalars_;
  Point base_;                       // the tile's first point
  std::vector<size_t> order_;        // parallel axes, outermost first
  std::vector<Tile> tiles_;          // of the open parallel axes
  std::optional<MmaReduction> mma_;  // of a contraction on tensor cores
  Point start_;                      // the first point of the warp's block
  int32_t idle_ = -1;
  int64_t sums_ = 1;              // accumulators of a point
  std::vector<size_t> streamed_;  // points of the tile, in the order in which they are accumulated
  double identity_ = 0;           // of the reduction
};

}  // namespace

void lower_nest(Context& context, const plan::Nest& nest, const plan::Binding& binding) {
  NestLowering(context, nest, binding).run();
}

}  // namespace shoal::lower
