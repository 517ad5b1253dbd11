// The structure around the nests: the loop of training steps, the loops over chunks of samples, and barriers between
// nests.
#include "compiler/lower/lower.h"

#include <algorithm>

#include "compiler/lower/lower_nest.h"
#include "compiler/lower/lower_relayout.h"

namespace shoal::lower {

using kernel::Op;

namespace {

// Memory that nests have touched since the last barrier, and whether the next nest must wait for it.
class Barriers {
 public:
  explicit Barriers(Context& context) : context_(context) {}

  void before(const plan::Nest& nest) {
    if (!context_.threads_share) return;
    std::vector<int32_t> reads, writes;
    for (const plan::Scalar& s : nest.body)
      if (s.kind == plan::Scalar::Kind::load && !context_.in_registers(s.access.value)) reads.push_back(s.access.value);
    for (const plan::Store& store : nest.stores)
      if (!context_.in_registers(store.access.value)) writes.push_back(store.access.value);
    if (nest.over_chunks) reads.insert(reads.end(), writes.begin(), writes.end());
    if (meet(reads, written_) || meet(writes, written_) || meet(writes, read_)) wait();
    read_.insert(read_.end(), reads.begin(), reads.end());
    written_.insert(written_.end(), writes.begin(), writes.end());
  }

  // At the start and end of loop bodies: what the next iteration touches may meet what this one did.
  void wait() {
    if (!context_.threads_share || (read_.empty() && written_.empty())) return;
    context_.builder.barrier(context_.whole_group);
    read_.clear();
    written_.clear();
  }

 private:
  bool overlap(int32_t a, int32_t b) const {
    if (a == b) return true;
    const plan::Plan& plan = context_.plan;
    if (plan.values[a].argument >= 0 || plan.values[b].argument >= 0) return false;
    const plan::Place &p = plan.places[a], &q = plan.places[b];
    return p.kind == q.kind && p.offset < q.offset + q.size && q.offset < p.offset + p.size;
  }
  bool meet(const std::vector<int32_t>& a, const std::vector<int32_t>& b) const {
    return std::any_of(a.begin(), a.end(), [&](int32_t x) {
      return std::any_of(b.begin(), b.end(), [&](int32_t y) { return overlap(x, y); });
    });
  }

  Context& context_;
  std::vector<int32_t> read_, written_;
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
    barriers_.before(plan_.nests[n]);
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
  return kernel;
}

}  // namespace shoal::lower
