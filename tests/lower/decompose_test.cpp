// The decompositions, run by the kernel interpreter over all exponents, against libm in double.
#include "compiler/lower/decompose.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "compiler/graph/evaluate.h"
#include "compiler/graph/shuffle.h"

namespace shoal::lower {
namespace {

using kernel::Builder;
using kernel::Kernel;
using kernel::Op;
using kernel::Space;
using kernel::Type;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float smallest_normal = std::numeric_limits<float>::min();

// One thread that applies `prim` to every element of its input.
Kernel function_kernel(Prim prim, Functions functions = Functions::accurate) {
  Kernel k;
  k.buffers = {{.name = "x", .space = Space::global}, {.name = "y", .space = Space::global}};
  k.scalars = {"count"};
  Builder b(k);
  const int32_t i = b.loop(b.scalar(0));
  const int32_t args[3] = {b.load(0, -1, i, 0), -1, -1};
  b.store(1, -1, i, 0, decompose(b, prim, args, 0, functions));
  b.end();
  kernel::verify(k, "decompose");
  return k;
}

// The kernel with results of exp2 and rcp that are so many units of the last place larger: what a GPU may give.
Kernel with_errors(const Kernel& k, int64_t exp2_ulps, int64_t rcp_ulps) {
  Kernel moved = k;
  moved.code.clear();
  Builder b(moved);
  std::vector<int32_t> now(k.code.size());
  for (size_t i = 0; i < k.code.size(); ++i) {
    kernel::Instruction in = k.code[i];
    for (int32_t& arg : in.args)
      if (arg >= 0) arg = now[static_cast<size_t>(arg)];
    now[i] = static_cast<int32_t>(moved.code.size());
    moved.code.push_back(in);
    const int64_t error = in.op == Op::exp2 ? exp2_ulps : in.op == Op::rcp ? rcp_ulps : 0;
    if (error == 0) continue;
    const int32_t zero = b.constant(0.0f), largest = b.constant(std::numeric_limits<float>::max());
    const int32_t ordinary = b.emit(Op::band, b.emit(Op::lt, zero, now[i]), b.emit(Op::lt, now[i], largest));
    const int32_t other = b.emit(Op::bits_f32, b.emit(Op::add, b.emit(Op::bits_i32, now[i]), b.constant_i32(error)));
    now[i] = b.emit(Op::select, ordinary, other, now[i]);
  }
  kernel::verify(moved, "with_errors");
  return moved;
}

std::vector<float> apply_kernel(const Kernel& function, std::vector<float> x) {
  std::vector<float> y(x.size());
  const auto count = static_cast<int64_t>(x.size());
  kernel::interpret(function, 0, 1, {{x.data(), count}, {y.data(), count}}, {static_cast<int32_t>(count)},
                    {.find_races = false});
  return y;
}

float apply_one(Prim prim, float x) { return apply_kernel(function_kernel(prim), {x})[0]; }

// Every 4097th finite bit pattern of either sign, and the neighbourhoods of the points where something changes.
std::vector<float> sweep(float limit) {
  std::vector<float> x;
  const auto add = [&](float value) {
    if (std::abs(value) <= limit && std::abs(value) >= smallest_normal) x.push_back(value);
  };
  for (uint32_t bits = 0; bits < 0x7f800000u; bits += 4097) {
    add(std::bit_cast<float>(bits));
    add(-std::bit_cast<float>(bits));
  }
  // Where rounding is worst: erf and tanh near 1, sin and cos of the largest arguments.
  for (const auto& [low, high] : {std::pair(3.0f, 3.95f), std::pair(4.0f, 9.0f), std::pair(9000.0f, 1e4f)}) {
    for (auto bits = std::bit_cast<uint32_t>(low); bits < std::bit_cast<uint32_t>(high); bits += 13) {
      add(std::bit_cast<float>(bits));
      add(-std::bit_cast<float>(bits));
    }
  }
  std::vector<float> points{smallest_normal, 0.5f, 0.70710678f, 1.0f,       1.41421356f, 2.0f, 3.95f, 7.9f,
                            8.664f,          9.0f, 87.336548f,  88.722839f, 1e4f};
  for (int k = 1; k < 400; ++k) points.push_back(static_cast<float>(k * 0.34657359027997264));     // of ln 2 / 2
  for (int k = 1; k < 6300; k += 7) points.push_back(static_cast<float>(k * 1.5707963267948966));  // of pi / 2
  for (const float point : points) {
    const auto centre = std::bit_cast<uint32_t>(point);
    for (uint32_t bits = centre - 40; bits < centre + 40; ++bits) {
      add(std::bit_cast<float>(bits));
      add(-std::bit_cast<float>(bits));
    }
  }
  return x;
}

// Distance in units of the last place that an f32 near the true value has.
double ulps(float got, double truth) {
  if (std::abs(truth) < smallest_normal) return std::abs(got) <= smallest_normal ? 0 : 1e30;  // may be flushed
  if (std::abs(truth) > static_cast<double>(std::numeric_limits<float>::max()) * (1 + 0x1p-25)) {
    return got == std::copysign(infinity, static_cast<float>(truth)) ? 0 : 1e30;
  }
  if (!std::isfinite(got)) return 1e30;
  return std::abs(got - truth) / std::ldexp(1.0, std::ilogb(truth) - 23);
}

void check_accuracy(const std::string& name, const Kernel& function, double (*truth)(double), double allowed,
                    float limit = infinity, bool positive = false) {
  std::vector<float> x = sweep(limit);
  if (positive) std::erase_if(x, [](float value) { return value <= 0; });
  ASSERT_GT(x.size(), 400000u);
  const std::vector<float> y = apply_kernel(function, x);
  double worst = 0;
  float where = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = ulps(y[i], truth(x[i]));
    if (error > worst) {
      worst = error;
      where = x[i];
    }
  }
  fmt::print("{}: at most {:.2f} ulp (at {:.9g}) over {} inputs\n", name, worst, where, x.size());
  EXPECT_LE(worst, allowed) << name << " at " << where << " gives " << apply_kernel(function, {where})[0];
}

void check_accuracy(Prim prim, double (*truth)(double), double allowed, float limit = infinity, bool positive = false) {
  check_accuracy(std::string(prim_name(prim)), function_kernel(prim), truth, allowed, limit, positive);
}

// The bounds are those that decompose.h promises; libm in double is exact to 1e-8 of an f32 ulp.
TEST(Decompose, ExpIsWithin2Ulp) { check_accuracy(Prim::exp, std::exp, 2); }
TEST(Decompose, LogIsWithin2Ulp) { check_accuracy(Prim::log, std::log, 2, infinity, true); }
TEST(Decompose, TanhIsWithin5Ulp) { check_accuracy(Prim::tanh, std::tanh, 5); }

// Units of the last place that a GPU's exp2 and rcp may be off: the corners, as errors grow with both.
constexpr std::pair<int64_t, int64_t> of_gpus[] = {{-2, -1}, {-2, 1}, {0, 0}, {2, -1}, {2, 1}};

// Worst |f(x) - truth| / bound(x) over a part of the sweep, whatever the GPU's approximations give.
void check_on_gpus(Prim prim, Functions functions, double (*truth)(double), double (*bound)(double)) {
  constexpr size_t part = 7;
  std::vector<float> x;
  const std::vector<float> all = sweep(infinity);
  for (size_t i = 0; i < all.size(); i += part)
    // Where exp overflows, and where it is flushed, are tested as special values.
    if (prim != Prim::exp || (all[i] <= 88 && all[i] >= -87)) x.push_back(all[i]);
  ASSERT_GT(x.size(), 300000u);
  for (const auto& [power, reciprocal] : of_gpus) {
    const std::vector<float> y = apply_kernel(with_errors(function_kernel(prim, functions), power, reciprocal), x);
    double worst = 0, difference = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_FALSE(std::isnan(y[i])) << x[i];
      const double error = std::abs(y[i] - truth(x[i]));
      if (x[i] <= 0 || prim == Prim::tanh) difference = std::max(difference, error);
      worst = std::max(worst, error / bound(x[i]));
    }
    fmt::print("{} of GPUs, exp2 {:+} ulp, rcp {:+} ulp: {:.2f} of its bound, {:.3g} from results up to 1\n",
               prim_name(prim), power, reciprocal, worst, difference);
    EXPECT_LE(worst, 1);
    EXPECT_LE(difference, 3 * 0x1p-23);
  }
}
TEST(Decompose, TanhOfGpusIsWithin3UlpOf1AndKeepsSmallNumbers) {
  const auto bound = [](double x) { return std::min(3 * 0x1p-23, 0x1p-15 * std::abs(std::tanh(x))); };
  check_on_gpus(Prim::tanh, Functions::gpu, std::tanh, bound);
}
TEST(Decompose, FastExpIsAsExactAsItsRoundedArgument) {
  const auto bound = [](double x) { return std::exp(x) * (5 + 1.5 * std::abs(x)) * 0x1p-24; };
  check_on_gpus(Prim::exp, Functions::gpu_fast, std::exp, bound);
}
TEST(Decompose, FunctionsOfGpusHaveTheSpecialValuesOfLibm) {
  const Kernel tanh = function_kernel(Prim::tanh, Functions::gpu);
  EXPECT_EQ(apply_kernel(tanh, {infinity, -infinity, 1e30f, -1e30f, 0.0f, 1e-30f, -0.001f}),
            (std::vector<float>{1, -1, 1, -1, 0, 1e-30f, -0.001f}));
  EXPECT_TRUE(std::signbit(apply_kernel(tanh, {-0.0f})[0]));
  EXPECT_TRUE(std::isnan(apply_kernel(tanh, {nan})[0]));
  for (const float y : apply_kernel(tanh, sweep(infinity))) ASSERT_LE(std::abs(y), 1);
  const Kernel exp = function_kernel(Prim::exp, Functions::gpu_fast);
  EXPECT_EQ(apply_kernel(exp, {infinity, -infinity, 89, -89, 0.0f, -0.0f}),
            (std::vector<float>{infinity, 0, infinity, 0, 1, 1}));
  EXPECT_TRUE(std::isnan(apply_kernel(exp, {nan})[0]));
}

TEST(Decompose, SigmoidIsWithin2UlpOf1AndBounded) {
  constexpr size_t part = 7;
  std::vector<float> x;
  const std::vector<float> all = sweep(infinity);
  for (size_t i = 0; i < all.size(); i += part)
    if (all[i] >= -85) x.push_back(all[i]);  // where e^-x overflows is tested as a special value
  ASSERT_GT(x.size(), 200000u);
  std::vector<Kernel> functions{function_kernel(Prim::sigmoid)};
  for (const auto& [power, reciprocal] : of_gpus)
    functions.push_back(with_errors(function_kernel(Prim::sigmoid, Functions::gpu), power, reciprocal));
  for (const Kernel& function : functions) {
    const std::vector<float> y = apply_kernel(function, x);
    // No device's rcp(1) is off, and rcp is the last that is computed: with errors it may pass 1.
    const float highest = &function == functions.data() ? 1.0f : 1 + 0x1p-23f;
    double worst = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      worst = std::max(worst, std::abs(y[i] - 1 / (1 + std::exp(-static_cast<double>(x[i])))));
      ASSERT_TRUE(y[i] >= 0 && y[i] <= highest) << x[i];
    }
    fmt::print("sigmoid: at most {:.2f} units of 2^-23\n", worst * 0x1p23);
    EXPECT_LE(worst, 0x1p-22);
  }
  for (const Functions form : {Functions::accurate, Functions::gpu, Functions::gpu_fast}) {
    const Kernel function = function_kernel(Prim::sigmoid, form);
    EXPECT_EQ(apply_kernel(function, {infinity, -infinity, 1e30f, -1e30f, 0.0f}),
              (std::vector<float>{1, 0, 1, 0, 0.5f}));
    EXPECT_TRUE(std::isnan(apply_kernel(function, {nan})[0]));
  }
}

TEST(Decompose, ErfIsWithin6Ulp) { check_accuracy(Prim::erf, std::erf, 6); }
TEST(Decompose, SinIsWithin4Ulp) { check_accuracy(Prim::sin, std::sin, 4, 1e4f); }
TEST(Decompose, CosIsWithin4Ulp) { check_accuracy(Prim::cos, std::cos, 4, 1e4f); }

TEST(Decompose, SpecialValuesAreThoseOfLibm) {
  EXPECT_EQ(apply_one(Prim::exp, -infinity), 0.0f);
  EXPECT_EQ(apply_one(Prim::exp, infinity), infinity);
  EXPECT_EQ(apply_one(Prim::exp, 0.0f), 1.0f);
  EXPECT_EQ(apply_one(Prim::log, 0.0f), -infinity);
  EXPECT_EQ(apply_one(Prim::log, -0.0f), -infinity);
  EXPECT_EQ(apply_one(Prim::log, infinity), infinity);
  EXPECT_EQ(apply_one(Prim::log, 1.0f), 0.0f);
  EXPECT_TRUE(std::isnan(apply_one(Prim::log, -1e-30f)));
  EXPECT_TRUE(std::isnan(apply_one(Prim::log, -infinity)));
  EXPECT_EQ(apply_one(Prim::tanh, infinity), 1.0f);
  EXPECT_EQ(apply_one(Prim::tanh, -infinity), -1.0f);
  EXPECT_EQ(apply_one(Prim::erf, infinity), 1.0f);
  EXPECT_EQ(apply_one(Prim::erf, -infinity), -1.0f);
  EXPECT_TRUE(std::isnan(apply_one(Prim::sin, infinity)));
  EXPECT_TRUE(std::isnan(apply_one(Prim::cos, -infinity)));
  EXPECT_EQ(apply_one(Prim::sin, 0.0f), 0.0f);
  EXPECT_EQ(apply_one(Prim::cos, 0.0f), 1.0f);
  EXPECT_TRUE(std::signbit(apply_one(Prim::tanh, -0.0f)));
  EXPECT_TRUE(std::signbit(apply_one(Prim::erf, -0.0f)));
  // Denormal inputs count as zeros.
  const float denormal = std::bit_cast<float>(0x007fffffu);
  EXPECT_EQ(apply_one(Prim::exp, denormal), 1.0f);
  EXPECT_EQ(apply_one(Prim::exp, -denormal), 1.0f);
  EXPECT_EQ(apply_one(Prim::log, denormal), -infinity);
  EXPECT_EQ(apply_one(Prim::cos, denormal), 1.0f);
  for (const Prim prim : {Prim::tanh, Prim::erf, Prim::sin}) {
    EXPECT_EQ(apply_one(prim, denormal), 0.0f) << prim_name(prim);
    EXPECT_EQ(apply_one(prim, -denormal), 0.0f) << prim_name(prim);
  }
  for (const Prim prim : {Prim::exp, Prim::log, Prim::tanh, Prim::erf, Prim::sin, Prim::cos}) {
    EXPECT_TRUE(std::isnan(apply_one(prim, nan))) << prim_name(prim);
    EXPECT_TRUE(std::isnan(apply_one(prim, std::bit_cast<float>(0xffc12345u)))) << prim_name(prim);
  }
}

TEST(Decompose, SigmoidalFunctionsAreOddAndBounded) {
  std::vector<float> x;
  for (uint32_t bits = 0x00800000u; bits < 0x7f800000u; bits += 4099) x.push_back(std::bit_cast<float>(bits));
  for (uint32_t bits = std::bit_cast<uint32_t>(3.0f); bits < std::bit_cast<uint32_t>(9.5f); bits += 61) {
    x.push_back(std::bit_cast<float>(bits));
  }
  std::vector<float> negative(x.size());
  std::transform(x.begin(), x.end(), negative.begin(), std::negate<>());
  for (const Kernel& function : {function_kernel(Prim::tanh), function_kernel(Prim::erf)}) {
    const std::vector<float> y = apply_kernel(function, x), z = apply_kernel(function, negative);
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(y[i], -z[i]) << "at " << x[i];
      ASSERT_LE(y[i], 1.0f) << "at " << x[i];
    }
  }
}

TEST(Decompose, SinAndCosOfHugeArgumentsStayInRange) {
  std::vector<float> x;
  for (float value = 1e4f; value < 3e38f; value *= 1.0037f) x.push_back(value);
  for (const Prim prim : {Prim::sin, Prim::cos}) {
    // Rounding can lift a result near 1 by one unit of the last place.
    for (const float y : apply_kernel(function_kernel(prim), x))
      ASSERT_LE(std::abs(y), 1.0f + 0x1p-23f) << prim_name(prim);
  }
}

TEST(Decompose, ShuffleIsShuffleIndex) {
  for (const int64_t n : {1, 2, 3, 5, 7, 16, 31, 100, 257, 1000, 1024, 1437, 5000, 65536, 70001, 100000}) {
    Kernel k;
    k.buffers = {{.name = "image", .space = Space::global, .type = Type::i32}};
    k.scalars = {"key", "epoch"};
    Builder b(k);
    const int32_t i = b.loop(b.constant_i32(n));
    const int32_t args[3] = {i, b.scalar(0), b.scalar(1)};
    b.store(0, -1, i, 0, decompose(b, Prim::shuffle, args, n));
    b.end();
    kernel::verify(k, "decompose");
    for (const auto& [key, epoch] : {std::pair(0u, 0u), std::pair(12345u, 7u), std::pair(0xffffffffu, 0xffffffffu),
                                     std::pair(0xfffffff0u, 0x80000001u)}) {
      std::vector<int32_t> image(static_cast<size_t>(n));
      kernel::interpret(k, 0, 1, {{image.data(), n}}, {static_cast<int32_t>(key), static_cast<int32_t>(epoch)});
      for (int64_t p = 0; p < n; ++p) {
        ASSERT_EQ(static_cast<uint32_t>(image[static_cast<size_t>(p)]),
                  shuffle_index(static_cast<uint32_t>(p), static_cast<uint32_t>(n), key, epoch))
            << p << " of " << n << " with key " << key << " in epoch " << epoch;
      }
    }
  }
}

TEST(Decompose, ShuffleOfTheLargestSizeDivides) {
  const int64_t n = (int64_t{1} << 31) - (1 << 16);
  Kernel k;
  k.buffers = {{.name = "image", .space = Space::global, .type = Type::i32}};
  k.scalars = {"position"};
  Builder b(k);
  const int32_t args[3] = {b.scalar(0), b.constant_i32(3), b.constant_i32(4)};
  b.store(0, -1, -1, 0, decompose(b, Prim::shuffle, args, n));
  for (const uint32_t position : {0u, 1u, 123456789u, static_cast<uint32_t>(n - 1)}) {
    int32_t image = 0;
    kernel::interpret(k, 0, 1, {{&image, 1}}, {static_cast<int32_t>(position)});
    EXPECT_EQ(static_cast<uint32_t>(image), shuffle_index(position, static_cast<uint32_t>(n), 3, 4)) << position;
  }
}

// What a call costs in kernel instructions: vector code runs all of them, so a longer one is a slower tanh.
TEST(Decompose, StaysCheap) {
  const auto cost = [](Prim prim, Functions functions = Functions::accurate) {
    return kernel::estimate(function_kernel(prim, functions), {1}).instructions - 4;  // loop, load, store, end
  };
  EXPECT_LE(cost(Prim::exp), 18);
  EXPECT_LE(cost(Prim::log), 32);
  EXPECT_LE(cost(Prim::tanh), 14);
  EXPECT_LE(cost(Prim::tanh, Functions::gpu), 19);      // of which a GPU merges five into others
  EXPECT_LE(cost(Prim::tanh, Functions::gpu_fast), 9);  // four
  EXPECT_LE(cost(Prim::sigmoid), 14);
  EXPECT_LE(cost(Prim::sigmoid, Functions::gpu), 4);
  EXPECT_LE(cost(Prim::exp, Functions::gpu_fast), 3);
  EXPECT_LE(cost(Prim::erf), 18);
  EXPECT_LE(cost(Prim::sin), 18);
  EXPECT_LE(cost(Prim::cos), 20);
}

}  // namespace
}  // namespace shoal::lower
