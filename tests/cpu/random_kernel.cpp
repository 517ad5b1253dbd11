// Random kernels of nested loops, branches and repeats: LLVM equals the interpreter. A failure prints seed and kernel.
#include <gtest/gtest.h>

#include "run_both.h"

namespace shoal::test {
namespace {

using kernel::Builder;
using kernel::Kernel;
using kernel::Op;
using kernel::Type;

constexpr int64_t kInput = 256, kStores = 64;

class Writer {
 public:
  Writer(Kernel& kernel, uint32_t seed) : b_(kernel), random_(seed) {}

  void write() {
    lane_ = b_.leaf(Op::lane);
    ints_ = {lane_, b_.leaf(Op::group), b_.scalar(0), b_.constant_i32(3)};
    floats_ = {b_.load(0, -1, lane_, 5), b_.load(0, -1, -1, 9), b_.constant(0.75f)};
    preds_ = {b_.emit(Op::lt, floats_[0], floats_[1]), b_.emit(Op::lt, b_.scalar(0), b_.constant_i32(4))};
    for (int k = 0; k < 3; ++k) {
      float_vars_.push_back(b_.var(pick(floats_)));
      int_vars_.push_back(b_.var(pick(ints_)));
    }
    pred_vars_ = {b_.var(pick(preds_))};
    block(0);
    for (int32_t var : float_vars_) store(b_.get(var));
    for (int32_t var : int_vars_) store(b_.emit(Op::to_f32, b_.get(var)));
    for (int32_t var : pred_vars_) store(b_.emit(Op::to_f32, b_.get(var)));
  }

 private:
  int below(int n) { return int(random_() % uint32_t(n)); }
  int32_t pick(const std::vector<int32_t>& from) { return from[size_t(below(int(from.size())))]; }
  void store(int32_t value) {
    if (stores_ == kStores) return;
    b_.store(1, -1, lane_, b_.kernel().lanes * stores_++, value);
  }

  void block(int depth) {
    const size_t floats = floats_.size(), ints = ints_.size(), preds = preds_.size();
    const size_t float_vars = float_vars_.size();
    for (int k = 4 + below(6); k > 0; --k) statement(depth);
    floats_.resize(floats);
    ints_.resize(ints);
    preds_.resize(preds);
    float_vars_.resize(float_vars);
  }

  void statement(int depth) {
    switch (below(depth < 4 ? 14 : 9)) {
      case 0: float_arith(); break;
      case 1: int_arith(); break;
      case 2: compare(); break;
      case 3: load(); break;
      case 4: b_.set(pick(float_vars_), pick(floats_)); break;
      case 5: b_.set(pick(int_vars_), pick(ints_)); break;
      case 6: b_.set(pick(pred_vars_), pick(preds_)); break;
      case 7:
        floats_.push_back(b_.get(pick(float_vars_)));
        ints_.push_back(b_.get(pick(int_vars_)));
        preds_.push_back(b_.get(pick(pred_vars_)));
        break;
      case 8: float_vars_.push_back(b_.var(pick(floats_))); break;
      case 9:
      case 10: {
        const bool is_static = below(2) == 0;
        const int32_t i = b_.loop(is_static ? b_.constant_i32(below(5)) : b_.scalar(below(2)), 1 + below(2));
        const size_t ints = ints_.size();
        ints_.push_back(i);
        block(depth + 1);
        ints_.resize(ints);
        b_.end();
        break;
      }
      case 11:
      case 12:
        b_.when(pick(preds_));
        block(depth + 1);
        if (below(2) == 0) store(pick(floats_));
        b_.end();
        break;
      case 13: {
        // Bounded by a counter of its own, which may end at different times in different lanes.
        const int32_t count = b_.var(below(2) == 0 ? b_.emit(Op::band, lane_, b_.constant_i32(3)) : b_.constant_i32(1));
        b_.repeat();
        block(depth + 1);
        b_.set(count, b_.emit(Op::sub, b_.get(count), b_.constant_i32(1)));
        b_.again(b_.emit(Op::lt, b_.constant_i32(0), b_.get(count)));
        break;
      }
    }
  }

  void float_arith() {
    static constexpr Op binary[] = {Op::add, Op::sub, Op::mul, Op::max, Op::min};
    const int32_t a = pick(floats_), b = pick(floats_), c = pick(floats_);
    switch (below(4)) {
      case 0: floats_.push_back(b_.emit(Op::fma, a, b, c)); break;
      case 1: floats_.push_back(b_.emit(Op::select, pick(preds_), a, b)); break;
      case 2: floats_.push_back(b_.emit(Op::abs, b_.emit(Op::neg, a))); break;
      case 3: floats_.push_back(b_.emit(binary[below(5)], a, b)); break;
    }
  }
  void int_arith() {
    static constexpr Op binary[] = {Op::add, Op::sub, Op::mul, Op::bxor, Op::band, Op::max, Op::min};
    const int32_t a = pick(ints_), b = pick(ints_);
    switch (below(4)) {
      case 0: ints_.push_back(b_.emit(Op::select, pick(preds_), a, b)); break;
      case 1: ints_.push_back(b_.emit(Op::div, a, b_.emit(Op::bor, b, b_.constant_i32(1)))); break;
      case 2: ints_.push_back(b_.emit(Op::shl, a, b_.emit(Op::band, b, b_.constant_i32(7)))); break;
      case 3: ints_.push_back(b_.emit(binary[below(7)], a, b)); break;
    }
  }
  void compare() {
    switch (below(4)) {
      case 0: preds_.push_back(b_.emit(Op::lt, pick(floats_), pick(floats_))); break;
      case 1: preds_.push_back(b_.emit(Op::le, pick(ints_), pick(ints_))); break;
      case 2: preds_.push_back(b_.emit(Op::band, pick(preds_), pick(preds_))); break;
      case 3: preds_.push_back(b_.emit(Op::bxor, pick(preds_), pick(preds_))); break;
    }
  }
  void load() {
    const int32_t inside = b_.emit(Op::band, pick(ints_), b_.constant_i32(63));
    const int32_t base = b_.emit(Op::to_i64, b_.emit(Op::mul, lane_, b_.constant_i32(below(3))));
    switch (below(3)) {
      case 0: floats_.push_back(b_.load(0, -1, inside, below(64))); break;
      case 1: floats_.push_back(b_.load(0, base, inside, below(64))); break;
      case 2: floats_.push_back(b_.load(0, base, -1, below(64))); break;
    }
  }

  Builder b_;
  std::mt19937 random_;
  int32_t lane_ = -1;
  std::vector<int32_t> floats_, ints_, preds_, float_vars_, int_vars_, pred_vars_;
  int64_t stores_ = 0;
};

TEST(CpuRandomKernel, EqualsTheInterpreter) {
  for (uint32_t seed = 1; seed <= 12 * machines().size(); ++seed) {
    const Machine& machine = machines()[seed % machines().size()];
    Kernel k;
    k.lanes = machine.lanes;
    k.buffers = {{.name = "in", .type = Type::f32, .size = kInput},
                 {.name = "out", .type = Type::f32, .size = kStores * machine.lanes, .written = true}};
    k.scalars = {"n", "m"};
    Writer(k, seed).write();
    std::mt19937 random(seed);
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_same(k, {random_floats(size_t(kInput), random, false), Words(size_t(kStores * machine.lanes))},
                {int32_t(seed % 3), 2}, 0, 1, features_of(machine));
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace shoal::test
