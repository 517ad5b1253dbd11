// The structure around the nests: the loop of training steps, the loops over chunks of samples, and barriers between
// nests.
#include "compiler/lower/lower.h"

#include <algorithm>

#include "compiler/kernel/unused.h"
#include "compiler/lower/lower_nest.h"
#include "compiler/lower/lower_relayout.h"

namespace shoal::lower {

using kernel::Op;

namespace {

// Memory that nests have touched since the last barriers, and whether the next nest must wait for it.
class Barriers {
 public:
  explicit Barriers(Context& context) : context_(context) {}

  void before(const plan::Nest& nest, const plan::Binding& binding) {
    if (!context_.threads_share) return;
    const bool own_samples = shares_samples(nest, binding);
    // Where a guard or the end of an axis forbids a load, the first element is read instead, whose sample may be
    // another warp's.
    bool pads = false;
    for (size_t a = 0; a < nest.axes.size(); ++a)
      pads = pads || (binding.axes[a].padded &&
                      nest.axes[a].extent % (int64_t{binding.axes[a].threads} * binding.axes[a].tile) != 0);
    Touched next;
    auto touch = [&](std::vector<Touch>& list, int32_t value, bool guarded = false) {
      if (!context_.in_registers(value))
        list.push_back({value, own_samples && !guarded && context_.plan.values[value].varies.sample});
    };
    for (const plan::Scalar& s : nest.body)
      if (s.kind == plan::Scalar::Kind::load) touch(next.read, s.access.value, pads || !s.guards.empty());
    for (const plan::Store& store : nest.stores) touch(next.written, store.access.value);
    if (nest.over_chunks) next.read.insert(next.read.end(), next.written.begin(), next.written.end());
    if (context_.whole_group && meets(next, of_group_, true))
      wait();
    else if (context_.builder.kernel().lanes > 1 && meets(next, of_warp_, false))
      wait_for_warp();
    of_group_.add(next);
    of_warp_.add(next);
  }

  // At the start and end of loop bodies: what the next iteration touches may meet what this one did.
  void wait() {
    if (!context_.whole_group) return wait_for_warp();
    if (!context_.threads_share || of_group_.empty()) return;
    context_.builder.barrier(true);
    of_group_ = of_warp_ = {};
  }

 private:
  struct Touch {
    int32_t value;
    bool own_samples;  // each warp touches the value at its own samples only
  };
  struct Touched {
    std::vector<Touch> read, written;
    bool empty() const { return read.empty() && written.empty(); }
    void add(const Touched& other) {
      read.insert(read.end(), other.read.begin(), other.read.end());
      written.insert(written.end(), other.written.begin(), other.written.end());
    }
  };

  void wait_for_warp() {
    if (!context_.threads_share || of_warp_.empty()) return;
    context_.builder.barrier(false);
    of_warp_ = {};
  }

  // Whether the warps of a group share the samples and nothing else, each having the n-th part of them in one block,
  // which is the same block in every nest of which this is true.
  bool shares_samples(const plan::Nest& nest, const plan::Binding& binding) const {
    const plan::Schedule& schedule = context_.plan.schedule;
    int warps = schedule[plan::PopulationAxis::sample].warp * schedule[plan::PopulationAxis::unit].warp;
    for (size_t a = 0; a < nest.axes.size(); ++a) {
      const plan::AxisBinding& axis = binding.axes[a];
      if (!nest.axes[a].sample || nest.axes[a].reduced || axis.warp_count != warps || axis.warp_div != 1) continue;
      return context_.chunk.extent % (int64_t{axis.lane_count} * axis.tile * warps) == 0;
    }
    return false;
  }

  bool overlap(const Touch& a, const Touch& b, bool between_warps) const {
    if (a.value == b.value) return !between_warps || !a.own_samples || !b.own_samples;
    const plan::Plan& plan = context_.plan;
    if (plan.values[a.value].argument >= 0 || plan.values[b.value].argument >= 0) return false;
    const plan::Place &p = plan.places[a.value], &q = plan.places[b.value];
    return p.kind == q.kind && p.offset < q.offset + q.size && q.offset < p.offset + p.size;
  }
  bool meet(const std::vector<Touch>& a, const std::vector<Touch>& b, bool between_warps) const {
    return std::any_of(a.begin(), a.end(), [&](const Touch& x) {
      return std::any_of(b.begin(), b.end(), [&](const Touch& y) { return overlap(x, y, between_warps); });
    });
  }
  bool meets(const Touched& next, const Touched& before, bool between_warps) const {
    return meet(next.read, before.written, between_warps) || meet(next.written, before.written, between_warps) ||
           meet(next.written, before.read, between_warps);
  }

  Context& context_;
  Touched of_group_, of_warp_;  // since the last barrier of the group; since the last one of any kind
};

class ProgramLowering {
 public:
  ProgramLowering(const plan::Plan& plan, kernel::Builder& builder)
      : plan_(plan), builder_(builder), context_(plan, builder), barriers_(context_) {}

  void run() {
    context_.chunk.extent = plan_.batch;
    phase(plan::Phase::before);
    if (plan_.steps) {
      int32_t steps = builder_.scalar(0), first = builder_.scalar(1);
      barriers_.wait();
      int32_t k = builder_.loop(steps);
      context_.open();
      context_.step = builder_.emit(Op::add, first, k);
      step();
      barriers_.wait();
      context_.close();
      builder_.end();
    } else {
      context_.step = builder_.constant_i32(0);
      step();
    }
    phase(plan::Phase::after);
  }

 private:
  void step() {
    for (int region = 0; region < plan_.regions; ++region) {
      if (region % 2 == 0)
        nests(region);
      else
        chunks(region);
    }
  }

  void phase(plan::Phase phase) {
    for (size_t n = 0; n < plan_.nests.size(); ++n)
      if (plan_.nests[n].phase == phase) one(n);
  }

  void one(size_t n) {
    barriers_.before(plan_.nests[n], plan_.bindings[n]);
    if (plan_.nests[n].relayout && can_transpose(context_, plan_.nests[n]))
      lower_relayout(context_, plan_.nests[n], plan_.bindings[n]);
    else
      lower_nest(context_, plan_.nests[n], plan_.bindings[n]);
  }

  void nests(int region) {
    int32_t loop = -1;
    for (size_t n = 0; n < plan_.nests.size(); ++n) {
      if (plan_.nests[n].region != region || plan_.nests[n].phase != plan::Phase::steps) continue;
      if (plan_.nests[n].loop != loop) {
        if (loop >= 0) close_loop();
        loop = plan_.nests[n].loop;
        if (loop >= 0) open_loop(plan_.loops[loop]);
      }
      one(n);
    }
    if (loop >= 0) close_loop();
  }

  void open_loop(const plan::TimeLoop& loop) {
    barriers_.wait();
    int32_t counter = builder_.loop(builder_.constant_i32(loop.extent));
    context_.open();
    context_.time = {};
    context_.time.add(counter, loop.reversed ? -1 : 1);
    context_.time.constant = loop.reversed ? loop.extent - 1 : 0;
  }

  void close_loop() {
    barriers_.wait();
    context_.time = {};
    context_.close();
    builder_.end();
  }

  // All full chunks in a loop, then the rest of the batch as a smaller chunk.
  void chunks(int region) {
    int64_t full = plan_.batch / plan_.chunk, rest = plan_.batch % plan_.chunk;
    barriers_.wait();
    if (full > 0) {
      int32_t counter = builder_.loop(builder_.constant_i32(full * plan_.chunk), plan_.chunk);
      context_.open();
      context_.chunk = {{{{counter, 1}}, 0}, plan_.chunk};
      nests(region);
      barriers_.wait();
      context_.close();
      builder_.end();
    }
    if (rest > 0) {
      context_.open();
      context_.chunk = {{{}, full * plan_.chunk}, rest};
      nests(region);
      context_.close();
    }
    context_.chunk = {{}, plan_.batch};
  }

  const plan::Plan& plan_;
  kernel::Builder& builder_;
  Context context_;
  Barriers barriers_;
};

}  // namespace

kernel::Kernel lower(const plan::Plan& plan) {
  kernel::Kernel kernel;
  kernel.name = "shoal_kernel";
  if (plan.steps) kernel.scalars = {"steps", "first_step"};
  kernel::Builder builder(kernel);
  ProgramLowering(plan, builder).run();
  // To find elements that one access may move is to compute the address of each.
  if (plan.access > 1) kernel::remove_unused(kernel);
  return kernel;
}

}  // namespace shoal::lower
