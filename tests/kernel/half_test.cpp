// The 16-bit floats against what they mean: every pattern in closed form, and rounding at every boundary between two.
#include "compiler/support/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

struct Format {
  const char* name;
  int exponent_bits, mantissa_bits;
  float (*from)(uint16_t);
  uint16_t (*to)(float);
};
constexpr Format formats[] = {{"f16", 5, 10, from_f16, to_f16}, {"bf16", 8, 7, from_bf16, to_bf16}};

// IEEE 754's definition of a binary format.
double meaning(const Format& f, uint32_t bits) {
  const int exponent = static_cast<int>(bits >> f.mantissa_bits) & ((1 << f.exponent_bits) - 1);
  const int mantissa = static_cast<int>(bits) & ((1 << f.mantissa_bits) - 1), bias = (1 << (f.exponent_bits - 1)) - 1;
  const double sign = bits >> 15 ? -1 : 1;
  if (exponent == (1 << f.exponent_bits) - 1)
    return mantissa ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  const double significand = std::ldexp(mantissa, -f.mantissa_bits);
  return sign * (exponent ? std::ldexp(1 + significand, exponent - bias) : std::ldexp(significand, 1 - bias));
}

uint16_t pattern(uint32_t bits) { return static_cast<uint16_t>(bits); }

TEST(Half, EveryPatternIsWhatTheFormatSays) {
  for (const Format& f : formats)
    for (uint32_t bits = 0; bits < 65536; ++bits) {
      const float got = f.from(pattern(bits));
      const double want = meaning(f, bits);
      if (std::isnan(want)) {
        ASSERT_TRUE(std::isnan(got)) << f.name << " " << bits;
        ASSERT_EQ(std::signbit(got), bits >> 15 != 0) << f.name << " " << bits;
      } else {
        ASSERT_EQ(static_cast<double>(got), want) << f.name << " " << bits;
        ASSERT_EQ(std::signbit(got), bits >> 15 != 0) << f.name << " " << bits;
      }
    }
}

TEST(Half, EveryPatternComesBack) {
  for (const Format& f : formats)
    for (uint32_t bits = 0; bits < 65536; ++bits) {
      const uint16_t back = f.to(f.from(pattern(bits)));
      if (std::isnan(meaning(f, bits))) {
        ASSERT_TRUE(std::isnan(meaning(f, back))) << f.name << " " << bits;
      } else {
        ASSERT_EQ(back, bits) << f.name;
      }
    }
}

// Between two neighbours the middle goes to the even one, and the floats beside it to the nearer one. Beyond the
// largest finite number the neighbour is what would follow it, which stands for infinity.
TEST(Half, RoundsToNearestEvenAtEveryBoundary) {
  for (const Format& f : formats) {
    const uint32_t infinite = ((1u << f.exponent_bits) - 1) << f.mantissa_bits;
    for (uint32_t sign : {0u, 0x8000u})
      for (uint32_t low = 0; low < infinite; ++low) {
        const double a = meaning(f, sign | low);
        const double b = low + 1 < infinite ? meaning(f, sign | (low + 1)) : 2 * a - meaning(f, sign | (low - 1));
        const auto middle = static_cast<float>((a + b) / 2);
        ASSERT_EQ(static_cast<double>(middle), (a + b) / 2);  // so it is a tie
        ASSERT_EQ(f.to(middle), sign | (low + (low & 1))) << f.name << " " << low;
        ASSERT_EQ(f.to(std::nextafter(middle, static_cast<float>(a))), sign | low) << f.name << " " << low;
        if (std::isfinite(static_cast<float>(b))) {
          ASSERT_EQ(f.to(std::nextafter(middle, static_cast<float>(b))), sign | (low + 1)) << f.name << " " << low;
        }
      }
    EXPECT_EQ(f.to(std::numeric_limits<float>::infinity()), infinite);
    EXPECT_EQ(f.to(-std::numeric_limits<float>::infinity()), 0x8000u | infinite);
    EXPECT_EQ(f.to(std::numeric_limits<float>::max()), infinite);
    EXPECT_TRUE(
        std::isnan(f.from(f.to(std::bit_cast<float>(0x7f800001u)))));  // no infinity, though its payload is lost
  }
}

TEST(Half, BuffersOfThemAreReadAndNeverWritten) {
  kernel::Kernel k;
  k.buffers = {{.name = "in", .type = kernel::Type::f16, .size = 4},
               {.name = "out", .type = kernel::Type::f32, .size = 1}};
  kernel::Builder b(k);
  const int32_t loaded = b.load(0, -1, -1, 3);
  EXPECT_EQ(b.type(loaded), kernel::Type::f32);
  b.store(1, -1, -1, 0, loaded);
  verify(k, "test");
  EXPECT_EQ(print(kernel::parse_kernel(print(k))), print(k));
  EXPECT_THROW(b.store(0, -1, -1, 0, loaded), InternalError);
  k.buffers[0].written = true;
  EXPECT_THROW(verify(k, "test"), InternalError);
  k.buffers[0].written = false;
  k.buffers[0].space = kernel::Space::shared;
  EXPECT_THROW(verify(k, "test"), InternalError);
}

}  // namespace
}  // namespace shoal
