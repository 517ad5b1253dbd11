// The device's quotients and roots against IEEE's: their emitted text runs on the CPU, with approximations in the place
// of the hardware's that are as wrong as NVIDIA documents them to be, above and below.
#include "compiler/emit/cuda_functions.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <regex>

#include "tests/emulate/emulate.h"

namespace shoal::emit {
namespace {

// PTX ISA: rcp.approx.ftz is wrong by one unit in the last place at most, which is 2^-23 or less, sqrt.approx by 2^-23
// and rsqrt.approx by 2^-22.9, relative. Of what is allowed, the farthest number on the side that `side` names;
// denormals are flushed by the emulator, as by ftz.
constexpr const char* approximations = R"(
static int side;
static inline float farthest(double exact, double allowed) {
  float best = (float)exact;
  const float size = __builtin_fabsf(best);
  if (side == 0 || !(size > 0.0f) || size > 0x1.fffffcp127f) return best;
  for (int steps = 0; steps < 3; steps++) {
    const float next = __int_as_float(__float_as_int(best) + side);
    if (__builtin_fabs((double)next - exact) > allowed * __builtin_fabs(exact)) break;
    best = next;
  }
  return best;
}
static inline float emulated_rcp(float x) { return farthest(1.0 / (double)x, 0x1p-23); }
static inline float emulated_sqrt(float x) { return farthest(__builtin_sqrt((double)x), 0x1p-23); }
static inline float emulated_rsqrt(float x) { return farthest(1.0 / __builtin_sqrt((double)x), 0x1.12p-23); }
)";

constexpr const char* kernel_text = R"(
extern "C" __global__ void functions(const float* a, const float* b, float* quotient, float* root, int n, int which) {
  side = which;
  for (int i = 0; i < n; i++) {
    quotient[i] = device_div(a[i], b[i]);
    root[i] = device_sqrt(a[i]);
  }
}
)";

std::string emitted_functions() {
  kernel::Kernel k;
  k.code.push_back({.op = kernel::Op::constant, .type = kernel::Type::f32});
  k.code.push_back({.op = kernel::Op::div, .type = kernel::Type::f32, .args = {0, 0, -1}});
  k.code.push_back({.op = kernel::Op::sqrt, .type = kernel::Type::f32, .args = {0, -1, -1}});
  std::string text = cuda_functions(k, false);
  text = std::regex_replace(text, std::regex("#[^\n]*\n"), "");
  text = std::regex_replace(text, std::regex("asm\\(\"(\\w+)\\.approx\\.ftz\\.f32[^;]*;[^;]*;"), "y = emulated_$1(x);");
  return std::regex_replace(text, std::regex("shoal_(div|sqrt)\\("), "device_$1(");
}

class DeviceFunctions : public testing::Test {
 protected:
  struct Results {
    std::vector<float> quotient, root;
  };

  Results run(std::vector<float> a, std::vector<float> b, int side) {
    Results r{std::vector<float>(a.size()), std::vector<float>(a.size())};
    const auto report = program_.launch(
        1, 1, 0,
        {emulate::buffer("a", a), emulate::buffer("b", b), emulate::buffer("quotient", r.quotient),
         emulate::buffer("root", r.root), emulate::scalar(static_cast<int32_t>(a.size())), emulate::scalar(side)});
    EXPECT_TRUE(report.clean()) << report.text();
    return r;
  }

  static emulate::Program& program() {
    static emulate::Program compiled =
        emulate::compile(approximations + emitted_functions() + kernel_text, "functions", {.check = false});
    return compiled;
  }
  emulate::Program& program_ = program();

  static float flushed(float x) { return std::abs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }
  // Units in the last place from one number to another; infinity is the one behind the largest.
  static int64_t distance(float a, float b) {
    const auto place = [](float x) {
      const auto bits = std::bit_cast<int32_t>(x);
      return int64_t{bits < 0 ? std::numeric_limits<int32_t>::min() - bits : bits};
    };
    return std::abs(place(a) - place(b));
  }
  static void expect_same(float got, float expected, const std::string& what) {
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(got)) << what << " is " << got;
    } else {
      EXPECT_EQ(std::bit_cast<uint32_t>(got), std::bit_cast<uint32_t>(expected)) << what << " is " << got;
    }
  }

  float number(int low, int high) {
    const int exponent = std::uniform_int_distribution<int>(low, high)(random_);
    const auto mantissa = static_cast<float>(random_() >> 9 | 1u << 23);
    return std::ldexp(random_() & 1 ? mantissa : -mantissa, exponent - 23);
  }
  std::mt19937 random_{1};
};

constexpr int n = 1 << 18;

TEST_F(DeviceFunctions, QuotientsAreIeeesButForAFewOfAMillion) {
  for (const int side : {-1, 0, 1}) {
    std::vector<float> a, b;
    while (a.size() < n) {
      const float dividend = number(-100, 126), divisor = number(-126, 125), quotient = std::abs(dividend / divisor);
      if (quotient < 0x1p-126f || quotient > 0x1p127f) continue;
      a.push_back(dividend), b.push_back(divisor);
    }
    const Results r = run(a, b, side);
    int missed = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      const int64_t off = distance(r.quotient[i], a[i] / b[i]);
      ASSERT_LE(off, 1) << fmt::format("{:a} / {:a} is {:a}", a[i], b[i], r.quotient[i]);
      missed += off != 0;
    }
    EXPECT_LE(missed, n / 250000 + 2) << side;
  }
}

TEST_F(DeviceFunctions, RootsAreIeeesButForAFewOfAMillion) {
  for (const int side : {-1, 0, 1}) {
    std::vector<float> a;
    while (a.size() < n) a.push_back(std::abs(number(-100, 127)));
    const Results r = run(a, a, side);
    int missed = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      const int64_t off = distance(r.root[i], std::sqrt(a[i]));
      ASSERT_LE(off, 1) << fmt::format("the root of {:a} is {:a}", a[i], r.root[i]);
      missed += off != 0;
    }
    EXPECT_LE(missed, n / 250000 + 2) << side;
  }
}

// Where the remainder is flushed nothing is corrected, and the errors of the approximation and of the product with it
// remain: 2^-23 and 2^-24, which is three units of a mantissa near 2.
TEST_F(DeviceFunctions, TinyNumbersMissByLittle) {
  for (const int side : {-1, 0, 1}) {
    std::vector<float> a, b;
    while (a.size() < n / 8) {
      const float dividend = number(-126, -101), divisor = number(-126, 20), quotient = std::abs(dividend / divisor);
      if (quotient < 0x1p-126f) continue;
      a.push_back(std::abs(dividend)), b.push_back(divisor);
    }
    const Results r = run(a, b, side);
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_LE(distance(r.quotient[i], a[i] / b[i]), 3)
          << fmt::format("{:a} / {:a} is {:a}", a[i], b[i], r.quotient[i]);
      ASSERT_LE(distance(r.root[i], std::sqrt(a[i])), 2) << fmt::format("the root of {:a} is {:a}", a[i], r.root[i]);
    }
  }
}

TEST_F(DeviceFunctions, ExtremesAreIeees) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> special{0.0f,     -0.0f,    1.0f,      -3.0f, 0x1p-126f, 0x1p126f,
                                   0x1p100f, infinity, -infinity, nan,   0x1p-130f, std::numeric_limits<float>::max()};
  std::vector<float> a, b;
  for (const float x : special)
    for (const float y : special) a.push_back(x), b.push_back(y);
  for (const int side : {-1, 0, 1}) {
    const Results r = run(a, b, side);
    for (size_t i = 0; i < a.size(); ++i) {
      const float x = flushed(a[i]), y = flushed(b[i]), quotient = flushed(x / y);
      const std::string what = fmt::format("{:a} / {:a}", a[i], b[i]);
      if (std::abs(y) > 0x1p126f && std::isfinite(y)) {
        // The reciprocal is flushed: what is promised is no more than this.
        if (std::isfinite(x)) {
          EXPECT_EQ(r.quotient[i], 0) << what;
        }
      } else if (std::abs(quotient) >= std::numeric_limits<float>::max() && std::isfinite(x) && y != 0) {
        EXPECT_LE(distance(r.quotient[i], quotient), 1) << what;
      } else if (std::abs(quotient) == 0x1p-126f) {
        EXPECT_LE(std::abs(r.quotient[i]), 0x1.000006p-126f) << what;  // or zero
      } else if (std::abs(x) < 0x1p-100f && quotient != 0) {
        EXPECT_LE(distance(r.quotient[i], quotient), 3) << what;
      } else {
        expect_same(r.quotient[i], quotient, what);
      }
      const std::string root = fmt::format("the root of {:a}", a[i]);
      if (x > 0 && x < 0x1p-100f) {
        EXPECT_LE(distance(r.root[i], std::sqrt(x)), 2) << root;
      } else {
        expect_same(r.root[i], std::sqrt(x), root);
      }
    }
  }
}

}  // namespace
}  // namespace shoal::emit
