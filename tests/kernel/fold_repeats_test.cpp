// Which stretches become a loop, and that the loop does what they did, bit for bit.
#include "compiler/kernel/fold_repeats.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "compiler/support/error.h"

namespace shoal::kernel {
namespace {

constexpr int64_t lanes = 32;

// Where the arrays of each layer stand, in units; what a layer adds; and whether the last layer's sum is
// used behind it.
struct Layers {
  std::vector<int64_t> activations, weights;
  std::vector<float> bias;
  bool sum_is_used = false;
  int64_t unit = lanes;
};

Layers ascending(int64_t count) {
  Layers l;
  for (int64_t n = 0; n <= count; ++n) l.activations.push_back(n);
  for (int64_t n = 1; n <= count; ++n) l.weights.push_back(count + n);
  l.bias.assign(static_cast<size_t>(count), 0.5f);
  return l;
}

// Buffers x and y of the population, then the activations, then the weights.
Kernel kernel_of(const Layers& l) {
  Kernel k;
  k.lanes = lanes;
  k.buffers = {{.name = "x", .space = Space::global, .type = Type::f32, .size = lanes},
               {.name = "y", .space = Space::global, .type = Type::f32, .size = 2 * lanes, .written = true}};
  const auto shared = [&](const char* name, int64_t n, int64_t at) {
    k.buffers.push_back({.name = fmt::format("{}{}", name, n),
                         .space = Space::shared,
                         .type = Type::f32,
                         .size = lanes,
                         .offset = at * l.unit,
                         .written = true});
    k.shared_elements = std::max(k.shared_elements, at * l.unit + lanes);
  };
  for (size_t n = 0; n < l.activations.size(); ++n) shared("a", static_cast<int64_t>(n), l.activations[n]);
  for (size_t n = 0; n < l.weights.size(); ++n) shared("w", static_cast<int64_t>(n), l.weights[n]);
  const auto first_weight = static_cast<int32_t>(2 + l.activations.size());
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane), x = b.load(0, -1, lane, 0);
  b.store(2, -1, lane, 0, x);
  for (size_t n = 0; n < l.weights.size(); ++n)
    b.store(first_weight + static_cast<int32_t>(n), -1, lane, 0,
            b.emit(Op::mul, x, b.constant(static_cast<float>(n + 1) / 8)));
  int32_t last_sum = -1;
  for (size_t n = 0; n < l.weights.size(); ++n) {
    const auto from = static_cast<int32_t>(2 + n), weight = first_weight + static_cast<int32_t>(n);
    b.barrier(false);
    const int32_t sum = b.var(b.constant(l.bias[n]));
    const int32_t i = b.loop(b.constant_i32(lanes), 4);
    for (int64_t e = 0; e < 4; ++e) {
      const int32_t across = b.emit(Op::bxor, lane, i);
      const int32_t scaled = b.load(weight, -1, lane, 0);
      b.set(sum, b.emit(Op::fma, b.load(from, -1, b.emit(Op::bxor, across, b.constant_i32(e)), 0), scaled, b.get(sum)));
    }
    b.end();
    last_sum = b.get(sum);
    b.store(from + 1, -1, lane, 0, last_sum);
  }
  // No barrier: the last turn ends before this.
  b.store(1, -1, lane, lanes, l.sum_is_used ? last_sum : b.constant(7.0f));
  b.barrier(false);
  b.store(1, -1, lane, 0, b.load(first_weight - 1, -1, b.emit(Op::bxor, lane, b.constant_i32(1)), 0));
  verify(k, "test");
  return k;
}

std::vector<float> run(const Kernel& k) {
  std::vector<float> x(lanes), y(2 * lanes);
  std::iota(x.begin(), x.end(), -3.0f);
  for (float& v : x) v *= 0.0625f;
  interpret(k, 0, 1, {{x.data(), lanes}, {y.data(), 2 * lanes}}, {}, {.order_seed = 3});
  return y;
}

int64_t loops(const Kernel& k) {
  return std::count_if(k.code.begin(), k.code.end(), [](const Instruction& i) { return i.op == Op::loop; });
}

void expect_folds(const Layers& layers, int64_t turns) {
  const Kernel before = kernel_of(layers);
  Kernel after = before;
  fold_repeats(after);
  verify(after, "fold_repeats");
  EXPECT_EQ(loops(after), loops(before) - turns + 2) << print(after);
  EXPECT_LT(after.code.size(), before.code.size());
  EXPECT_EQ(run(after), run(before)) << print(after);
  EXPECT_EQ(estimate(after, {}).fma, estimate(before, {}).fma);
  EXPECT_EQ(estimate(after, {}).barriers, estimate(before, {}).barriers);
  EXPECT_EQ(parse_kernel(print(after)).code, after.code);
}

void expect_stays(const Layers& layers) {
  const Kernel before = kernel_of(layers);
  Kernel after = before;
  fold_repeats(after);
  EXPECT_EQ(after.code, before.code);
  EXPECT_EQ(after.buffers.size(), before.buffers.size());
}

TEST(FoldRepeats, EqualLayersBecomeOneLoop) { expect_folds(ascending(5), 5); }

TEST(FoldRepeats, ArraysMayDescendOrStayOrMoveFarther) {
  Layers l = ascending(4);
  std::reverse(l.weights.begin(), l.weights.end());
  expect_folds(l, 4);
  l.weights = {6, 9, 12, 15};
  expect_folds(l, 4);
  l.weights = {15, 13, 11, 9};
  expect_folds(l, 4);
}

TEST(FoldRepeats, DistancesNeedNotBePowersOfTwo) {
  Layers l = ascending(4);
  l.unit = 36;
  expect_folds(l, 4);
  std::reverse(l.activations.begin(), l.activations.end());
  expect_folds(l, 4);
  l.unit = 34;  // wide accesses would not be aligned
  expect_stays(l);
}

TEST(FoldRepeats, TheEqualPartOfUnequalLayersFolds) {
  Layers l = ascending(5);
  l.bias[0] = 1;
  expect_folds(l, 4);
  l.bias = {0.5f, 0.5f, 0.5f, 1, 0.5f};
  expect_folds(l, 3);
}

TEST(FoldRepeats, WhatDiffersStays) {
  Layers l = ascending(5);
  l.bias = {0.5f, 0.5f, 1, 0.5f, 0.5f};
  expect_stays(l);
  l = ascending(4);
  l.weights = {5, 6, 8, 7};
  expect_stays(l);
}

TEST(FoldRepeats, TwoAreNotWorthALoop) { expect_stays(ascending(2)); }

TEST(FoldRepeats, AValueThatIsUsedBehindEndsTheRun) {
  Layers l = ascending(4);
  l.sum_is_used = true;
  expect_folds(l, 3);
  l = ascending(3);
  l.sum_is_used = true;
  expect_stays(l);
}

// A loop with a wrong offset must show in the comparison above, or it checks nothing.
TEST(FoldRepeats, AWrongOffsetIsNoticed) {
  const Kernel before = kernel_of(ascending(5));
  Kernel after = before;
  fold_repeats(after);
  int noticed = 0, planted = 0;
  for (Buffer& buffer : after.buffers) {
    if (buffer.space != Space::shared || buffer.size <= lanes) continue;
    ++planted;
    buffer.offset += 4;
    buffer.size -= 4;
    try {
      noticed += run(after) != run(before);
    } catch (const InternalError&) {
      ++noticed;
    }
    buffer.offset -= 4;
    buffer.size += 4;
  }
  EXPECT_EQ(planted, 3) << "activations read, activations written, weights";
  EXPECT_EQ(noticed, planted);
}

}  // namespace
}  // namespace shoal::kernel
