// Random kernels for the CUDA emitter: expressions, vars, brackets and memory in any order that is legal and race-free.
#include <bit>
#include <random>

#include "tests/emit/cuda_kernels.h"

namespace shoal::cuda_kernels {
namespace {

using kernel::Builder;
using kernel::Op;
using kernel::Space;
using kernel::Type;

constexpr int lanes = 32, scratch_words = 4, register_words = 3;

class RandomKernel {
 public:
  RandomKernel(Sample& sample, uint64_t seed) : sample_(sample), b_(sample.kernel), random_(seed) {}

  void build() {
    kernel::Kernel& k = sample_.kernel;
    k.warps = 1;
    k.lanes = lanes;
    k.shared_elements = lanes * scratch_words;
    k.buffers = {{.name = "x", .space = Space::global, .type = Type::f32, .size = lanes * 8},
                 {.name = "n", .space = Space::global, .type = Type::i32, .size = lanes * 8},
                 {.name = "out", .space = Space::global, .type = Type::f32, .size = lanes * 8},
                 {.name = "scratch", .space = Space::shared, .type = Type::f32, .size = lanes * scratch_words},
                 {.name = "reg", .space = Space::local, .type = Type::f32, .size = register_words}};
    std::uniform_real_distribution<float> value(-3, 3);
    sample_.buffers.resize(3);
    for (int i = 0; i < lanes * 8; i++) {
      sample_.buffers[0].push_back(std::bit_cast<uint32_t>(value(random_)));
      sample_.buffers[1].push_back(static_cast<uint32_t>(random_()));
      sample_.buffers[2].push_back(std::bit_cast<uint32_t>(value(random_)));
    }
    lane_ = b_.leaf(Op::lane);
    row_ = b_.emit(Op::mul, lane_, b_.constant_i32(scratch_words));
    floats_ = {b_.load(0, -1, lane_, 0), b_.constant(0.5f)};
    integers_ = {b_.load(1, -1, lane_, 0), lane_};
    for (int i = 0; i < 3; i++) float_vars_.push_back(b_.var(pick(floats_)));
    integer_var_ = b_.var(pick(integers_));
    for (int i = 0; i < scratch_words; i++) b_.store(3, -1, row_, i, pick(floats_));
    for (int i = 0; i < register_words; i++) b_.store(4, -1, -1, i, pick(floats_));
    statements(60, 0);
    for (int i = 0; i < 3; i++) b_.store(2, -1, lane_, i * lanes, b_.get(float_vars_[i]));
    b_.store(2, -1, lane_, 3 * lanes, b_.emit(Op::to_f32, b_.get(integer_var_)));
    for (int i = 0; i < scratch_words; i++) b_.store(2, -1, lane_, (4 + i) * lanes, b_.load(3, -1, row_, i));
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  // Recent values are likelier, so that single uses right behind a definition are common.
  int32_t pick(const std::vector<int32_t>& from) {
    const int n = static_cast<int>(from.size());
    return from[below(2) ? n - 1 - below(std::min(n, 3)) : below(n)];
  }

  int32_t float_value() {
    switch (below(8)) {
      case 0: return b_.emit(Op::add, pick(floats_), pick(floats_));
      case 1: return b_.emit(Op::fma, pick(floats_), pick(floats_), pick(floats_));
      case 2: return b_.emit(Op::max, pick(floats_), b_.constant(below(2) ? 0.0f : -1.25f));
      case 3: return b_.emit(Op::select, predicate(), pick(floats_), pick(floats_));
      case 4: return b_.emit(Op::neg, b_.emit(Op::mul, pick(floats_), b_.constant(-0.75f)));
      case 5: return b_.emit(Op::sub, pick(floats_), b_.emit(Op::sub, pick(floats_), pick(floats_)));
      case 6: return b_.emit(Op::to_f32, pick(integers_));
      default: return b_.emit(Op::min, b_.emit(Op::abs, pick(floats_)), b_.constant(8.0f));
    }
  }
  int32_t integer_value() {
    const int32_t amount = b_.emit(Op::band, pick(integers_), b_.constant_i32(31));
    switch (below(6)) {
      case 0: return b_.emit(Op::mul, pick(integers_), b_.constant_i32(0x9e3779b1));
      case 1: return b_.emit(Op::bxor, pick(integers_), b_.emit(Op::shr, pick(integers_), amount));
      case 2: return b_.emit(Op::add, pick(integers_), pick(integers_));
      case 3: return b_.emit(Op::rem, pick(integers_), b_.constant_i32(1 + below(1000)));
      case 4: return b_.emit(Op::shl, pick(integers_), amount);
      default: return b_.emit(Op::div, pick(integers_), b_.constant_i32(1 + below(9)));
    }
  }
  int32_t predicate() {
    if (below(2)) return b_.emit(Op::lt, pick(floats_), pick(floats_));
    return b_.emit(Op::band, b_.emit(Op::le, pick(integers_), pick(integers_)),
                   b_.emit(Op::bxor, b_.emit(Op::eq, lane_, pick(integers_)), b_.constant_pred(true)));
  }

  // Values of a bracket are visible in it alone: the pools are put back when it ends.
  template <typename Body>
  void bracket(Body body) {
    const auto floats = floats_, integers = integers_;
    body();
    floats_ = floats;
    integers_ = integers;
    b_.end();
  }

  void statements(int count, int depth) {
    for (int i = 0; i < count; i++) statement(depth);
  }

  void statement(int depth) {
    switch (below(depth < 2 ? 14 : 11)) {
      case 0:
      case 1: return floats_.push_back(float_value());
      case 2: return integers_.push_back(integer_value());
      case 3: return floats_.push_back(b_.get(float_vars_[below(3)]));
      case 4: return b_.set(float_vars_[below(3)], float_value());
      case 5: return integers_.push_back(b_.get(integer_var_));
      case 6: return b_.set(integer_var_, integer_value());
      case 7: return floats_.push_back(b_.load(3, -1, row_, below(scratch_words)));
      case 8: return b_.store(3, -1, row_, below(scratch_words), pick(floats_));
      case 9: return floats_.push_back(b_.load(4, -1, -1, below(register_words)));
      case 10: return b_.store(4, -1, -1, below(register_words), pick(floats_));
      case 11: b_.when(predicate()); return bracket([&] { statements(5, depth + 1); });
      case 12: {
        const int32_t i = b_.loop(b_.constant_i32(1 + below(4)), 1 + below(2));
        return bracket([&] {
          integers_.push_back(i);
          statements(5, depth + 1);
        });
      }
      default: {
        const int32_t wide = b_.load(0, -1, row_, 0, 4);
        for (int n = 0; n < 4; n++) floats_.push_back(wide + n);
      }
    }
  }

  Sample& sample_;
  Builder b_;
  std::mt19937_64 random_;
  int32_t lane_ = -1, row_ = -1, integer_var_ = -1;
  std::vector<int32_t> floats_, integers_, float_vars_;
};

}  // namespace

Sample random_program(uint64_t seed) {
  Sample s;
  s.name = "random_" + std::to_string(seed);
  s.kernel.name = s.name;
  RandomKernel(s, seed).build();
  return s;
}

}  // namespace shoal::cuda_kernels
