// Relayout by transposing square blocks across lanes: log2(lanes) rounds of exchanges between pairs of registers.
#include "compiler/lower/lower_relayout.h"

#include <functional>

#include "compiler/lower/lower_nest.h"

namespace shoal::lower {

using kernel::Op;

namespace {

// To transpose a block takes as many instructions as to store about a quarter of its rows element by element.
constexpr int64_t least_part_of_block = 4;

// rows[r] in lane l becomes rows[l] in lane r. Round d swaps, of each pair of rows r and r + d, the off-diagonal
// halves.
void transpose(kernel::Builder& builder, int32_t lane, std::vector<int32_t>& rows) {
  int64_t lanes = static_cast<int64_t>(rows.size());
  for (int64_t d = 1; d < lanes; d *= 2) {
    int32_t bit = builder.emit(Op::band, lane, builder.constant_i32(d));
    int32_t upper = builder.emit(Op::eq, bit, builder.constant_i32(d));
    for (int64_t r = 0; r < lanes; ++r) {
      if (r & d) continue;
      int32_t a = rows[r], b = rows[r + d];
      rows[r] = builder.emit(Op::select, upper, builder.lanes_xor(b, d), a);
      rows[r + d] = builder.emit(Op::select, upper, b, builder.lanes_xor(a, d));
    }
  }
}

class Relayout {
 public:
  Relayout(Context& context, const plan::Nest& nest, const plan::Binding& binding)
      : context_(context), builder_(context.builder), nest_(nest), binding_(binding), lanes_(builder_.kernel().lanes) {}

  void run() {
    lane_ = context_.lane(binding_.axes[0]);
    for (const plan::AxisBinding& axis : binding_.axes) context_.warp(axis);
    context_.forget_loads();
    const int64_t extent = nest_.axes.back().extent, rest = extent % lanes_, units = extent - rest;
    if (units > 0)
      loop(0, context_.chunk.extent, lanes_, sample_, [&] { loop(1, units, lanes_, unit_, [&] { block(); }); });
    if (rest == 0) return;
    // Units beyond the last whole block: one more block, of which a part is copied a second time, or element by
    // element.
    if (units > 0 && rest * least_part_of_block > lanes_ && binding_.axes.back().warp_count == 1) {
      if (context_.threads_share) builder_.barrier(false);  // other lanes store that part
      loop(0, context_.chunk.extent, lanes_, sample_, [&] {
        unit_.constant = extent - lanes_;
        block();
        unit_ = {};
      });
    } else {
      plan::Nest tail = nest_;
      tail.axes.back().extent = rest;
      tail.body[0].access.dims.back().offset = tail.stores[0].access.dims.back().offset = units;
      lower_nest(context_, tail, binding_);
    }
  }

 private:
  // The blocks of `step` points along an axis; where it is given to warps, each has a run of them and the rest are
  // dealt out one by one.
  void loop(size_t axis, int64_t extent, int64_t step, Linear& index, const std::function<void()>& body) {
    const plan::AxisBinding& spread = binding_.axes[axis];
    int64_t warps = spread.warp_count, run = extent / step / warps * step, rest = extent / step % warps;
    if (run > 0) {
      bool loops = run > step;
      int32_t counter = loops ? builder_.loop(builder_.constant_i32(run), step) : -1;
      context_.open();
      index.add(context_.warp(spread), run);
      index.add(counter, 1);
      body();
      index = {};
      context_.close();
      if (loops) builder_.end();
    }
    if (rest == 0) return;
    builder_.when(builder_.emit(Op::lt, context_.warp(spread), builder_.constant_i32(rest)));
    context_.open();
    index.constant = run * warps;
    index.add(context_.warp(spread), step);
    body();
    index = {};
    context_.close();
    builder_.end();
  }

  void block() {
    int32_t from = nest_.body[0].access.value, to = nest_.stores[0].access.value;
    bool along_samples = context_.plan.values[from].samples_innermost;
    std::vector<int32_t> rows;
    for (int64_t r = 0; r < lanes_; ++r) rows.push_back(element(from, along_samples, r, -1));
    transpose(builder_, lane_, rows);
    for (int64_t r = 0; r < lanes_; ++r) element(to, !along_samples, r, rows[r]);
  }

  // Row r of the block, lanes along samples or along units: loaded, or stored when a scalar is given.
  int32_t element(int32_t value, bool lanes_along_samples, int64_t r, int32_t scalar) {
    Linear sample = sample_;
    std::vector<Linear> dims(context_.plan.values[value].dims.size());  // the last one counts through all of them
    dims.back() = unit_;
    (lanes_along_samples ? sample : dims.back()).add(lane_, 1);
    (lanes_along_samples ? dims.back() : sample).constant += r;
    if (scalar < 0) return context_.load(value, sample, dims, -1);
    context_.store(value, sample, dims, scalar);
    return -1;
  }

  Context& context_;
  kernel::Builder& builder_;
  const plan::Nest& nest_;
  const plan::Binding& binding_;
  int64_t lanes_;
  int32_t lane_ = -1;
  Linear sample_, unit_;
};

}  // namespace

bool can_transpose(const Context& context, const plan::Nest& nest) {
  // Booleans are predicates in registers, which lanes do not exchange.
  return context.chunk.extent % context.builder.kernel().lanes == 0 && nest.body[0].dtype != DType::boolean;
}

void lower_relayout(Context& context, const plan::Nest& nest, const plan::Binding& binding) {
  Relayout(context, nest, binding).run();
}

}  // namespace shoal::lower
