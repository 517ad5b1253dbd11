// Random numbers: Philox against the published vectors, the arithmetic against libm, the statistics against theory.
#include "runtime/random.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "runtime/random_normal.h"
#include "runtime/random_philox.h"
#include "tests/io/temporary_folder.h"

namespace shoal {
namespace {

using shoal::test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Philox, VectorsOfRandom123) {  // kat_vectors, "philox4x32 10"
  EXPECT_THAT(philox({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

// Words that include the ends, the borders of quarters of a turn, and a spread of others.
std::vector<uint32_t> sample_words() {
  std::vector<uint32_t> words{0, 1, 2, ~0u, ~0u - 1};
  for (uint32_t eighth = 1; eighth < 8; ++eighth) {
    for (uint32_t near : {-2, -1, 0, 1, 2}) words.push_back((eighth << 29) + near);
  }
  for (uint32_t i = 0; i < 20000; ++i) words.push_back(i * 214773u + 11);
  return words;
}

TEST(RandomNormal, LogarithmAgreesWithLibm) {
  for (uint32_t k : sample_words()) {
    double u = unit_interval(k);
    ASSERT_GT(u, 0);
    ASSERT_LT(u, 1);
    // The series is cut after z^7, |z| < 0.0295: relative 0.0295^8 / 17 = 3e-14, and a few roundings. Near u = 1 the
    // logarithm is -(1 - u) and stays relatively exact, since m - 1 is.
    EXPECT_NEAR(log_of_unit(u) / std::log(u), 1, 1e-13) << k;
  }
}

TEST(RandomNormal, TurnAgreesWithLibm) {
  for (uint32_t k : sample_words()) {
    Turn t = turn(k);
    long double angle = 2 * std::numbers::pi_v<long double> * (k + 0.5L) / 4294967296.0L;
    // Taylor series on an eighth of a turn cut below 1e-16, and a few roundings of numbers up to 1.
    EXPECT_NEAR(t.cosine, static_cast<double>(std::cos(angle)), 1e-15) << k;
    EXPECT_NEAR(t.sine, static_cast<double>(std::sin(angle)), 1e-15) << k;
  }
}

TEST(RandomFill, EveryNumberIsTheOneOfItsStream) {
  // 10 and 13 elements: blocks of four are cut short; 300 members: several batches.
  for (int64_t elements : {1, 10, 13, 700}) {
    for (auto kind : {InitialDistribution::Kind::uniform, InitialDistribution::Kind::normal}) {
      std::vector<float> values(static_cast<size_t>(300 * elements));
      fill({kind, -2, 3}, 42, "0.weight", elements, 0, 300, values.data());
      RandomStream stream = random_stream(42, "parameter/0.weight");
      for (int64_t m = 0; m < 300; ++m) {
        for (int64_t e = 0; e < elements; ++e) {
          double expected = kind == InitialDistribution::Kind::uniform
                                ? -2 + 5 * random_uniform(stream, static_cast<uint32_t>(m), static_cast<uint64_t>(e))
                                : -2 + 3 * random_normal(stream, static_cast<uint32_t>(m), static_cast<uint64_t>(e));
          ASSERT_EQ(values[static_cast<size_t>(m * elements + e)], static_cast<float>(expected)) << m << " " << e;
        }
      }
    }
  }
}

TEST(RandomFill, AMemberAloneIsTheSameAsAmongMany) {
  std::vector<float> all(1000 * 7), alone(7);
  InitialDistribution normal{InitialDistribution::Kind::normal, 0, 1};
  fill(normal, 1, "w", 7, 0, 1000, all.data());
  for (int64_t member : {0, 1, 499, 999}) {
    fill(normal, 1, "w", 7, member, member + 1, alone.data());
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), all.begin() + member * 7)) << member;
  }
}

TEST(RandomFill, SeedsNamesAndMembersDiffer) {
  auto draw = [](uint64_t seed, const char* name, int64_t member) {
    float value[4];
    fill({InitialDistribution::Kind::uniform, 0, 1}, seed, name, 4, member, member + 1, value);
    return std::vector<float>(value, value + 4);
  };
  std::vector<float> base = draw(1, "a", 0);
  EXPECT_EQ(draw(1, "a", 0), base);
  for (const auto& other : {draw(2, "a", 0), draw(1ull << 32 | 1, "a", 0), draw(1, "b", 0), draw(1, "a", 1)})
    EXPECT_NE(other, base);
}

TEST(RandomFill, ConstantAndNothing) {
  std::vector<float> values(6, 9);
  fill({InitialDistribution::Kind::constant, 0.25}, 1, "b", 3, 5, 7, values.data());
  EXPECT_EQ(values, std::vector<float>(6, 0.25f));
  fill({InitialDistribution::Kind::normal, 0, 1}, 1, "b", 0, 0, 7, values.data());
  fill({InitialDistribution::Kind::normal, 0, 1}, 1, "b", 3, 7, 7, values.data());
  EXPECT_EQ(values, std::vector<float>(6, 0.25f));
}

// The seed is fixed, so a failure is a change of the generator and no bad luck; the bounds are five standard errors.
constexpr int64_t count = 1000000;
const double root = std::sqrt(static_cast<double>(count));

std::vector<float> draws(InitialDistribution initializer) {
  std::vector<float> values(static_cast<size_t>(count));
  fill(initializer, 7, "statistics", 1000, 0, count / 1000, values.data());
  return values;
}

double mean_of(const std::vector<float>& values, double power, double centre = 0) {
  double sum = 0;
  for (float value : values) sum += std::pow(value - centre, power);
  return sum / static_cast<double>(values.size());
}

TEST(RandomStatistics, Uniform) {
  std::vector<float> values = draws({InitialDistribution::Kind::uniform, -1, 1});
  for (float value : values) ASSERT_TRUE(value >= -1 && value <= 1);
  EXPECT_NEAR(mean_of(values, 1), 0, 5 * std::sqrt(1.0 / 3) / root);         // variance of x is 1/3
  EXPECT_NEAR(mean_of(values, 2), 1.0 / 3, 5 * std::sqrt(4.0 / 45) / root);  // variance of x^2 is 1/5 - 1/9
  std::vector<int64_t> bins(100);
  for (float value : values) ++bins[std::min<size_t>(static_cast<size_t>((value + 1) * 50), 99)];
  double expected = static_cast<double>(count) / 100, chi = 0;
  for (int64_t bin : bins)
    chi += (static_cast<double>(bin) - expected) * (static_cast<double>(bin) - expected) / expected;
  EXPECT_NEAR(chi, 99, 5 * std::sqrt(2.0 * 99));  // chi squared with 99 degrees of freedom
}

TEST(RandomStatistics, Normal) {
  std::vector<float> values = draws({InitialDistribution::Kind::normal, 0, 1});
  EXPECT_NEAR(mean_of(values, 1), 0, 5 / root);
  EXPECT_NEAR(mean_of(values, 2), 1, 5 * std::sqrt(2.0) / root);   // variance of x^2 is 2
  EXPECT_NEAR(mean_of(values, 3), 0, 5 * std::sqrt(15.0) / root);  // variance of x^3 is 15
  EXPECT_NEAR(mean_of(values, 4), 3, 5 * std::sqrt(96.0) / root);  // variance of x^4 is 105 - 9
  for (double x : {-2.0, -1.0, 0.0, 0.5, 1.5, 3.0}) {
    double below = 0.5 * std::erfc(-x / std::numbers::sqrt2);
    auto found = static_cast<double>(std::count_if(values.begin(), values.end(), [&](float v) { return v < x; }));
    EXPECT_NEAR(found / static_cast<double>(count), below, 5 * std::sqrt(below * (1 - below)) / root) << x;
  }
}

TEST(RandomStatistics, NeighboursAreUncorrelated) {
  std::vector<float> values = draws({InitialDistribution::Kind::normal, 0, 1});
  for (size_t lag : {1u, 2u, 3u, 4u, 1000u}) {  // both of a pair, in a block, the next block, the next member
    double sum = 0;
    for (size_t i = lag; i < values.size(); ++i) sum += static_cast<double>(values[i]) * values[i - lag];
    EXPECT_NEAR(sum / static_cast<double>(count), 0, 5 / root) << lag;
  }
}

TEST(RandomMoments, MeanAndDeviation) {
  std::vector<float> values = draws({InitialDistribution::Kind::normal, 5, 0.1});
  EXPECT_NEAR(mean_of(values, 1), 5, 5 * 0.1 / root);
  EXPECT_NEAR(mean_of(values, 2, 5), 0.01, 5 * 0.01 * std::sqrt(2.0) / root);
}

TEST(OrderKey, DiffersFromMemberToMember) {
  std::vector<uint32_t> keys;
  for (uint32_t m = 0; m < 1000; ++m) keys.push_back(order_key(1, m));
  std::sort(keys.begin(), keys.end());
  // Of 1000 keys of 32 bits two are equal with a chance of 1e-4; the seed is fixed.
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
  EXPECT_NE(order_key(1, 0), order_key(2, 0));
}

TEST(VariedValue, UniformAndLogUniform) {
  Varied uniform{Varied::Kind::uniform, 2, 4, {}}, log_uniform{Varied::Kind::log_uniform, 1e-4, 1e-1, {}};
  double sum = 0, log_sum = 0;
  constexpr uint32_t members = 100000;
  for (uint32_t m = 0; m < members; ++m) {
    double u = varied_value(uniform, 3, "momentum", m), l = varied_value(log_uniform, 3, "lr", m);
    ASSERT_TRUE(u >= 2 && u <= 4);
    ASSERT_TRUE(l >= 1e-4 && l <= 1e-1);
    sum += u;
    log_sum += std::log10(l);
  }
  // Standard error of the mean of a uniform of width w: w / sqrt(12 n); five of them.
  EXPECT_NEAR(sum / members, 3, 5 * 2 / std::sqrt(12.0 * members));
  EXPECT_NEAR(log_sum / members, -2.5, 5 * 3 / std::sqrt(12.0 * members));
}

TEST(VariedValue, ChoiceAndGrid) {
  Varied choice{Varied::Kind::choice, 0, 0, {1, 2, 5}}, grid{Varied::Kind::grid, 0, 0, {1, 2, 5}};
  int fives = 0;
  for (uint32_t m = 0; m < 30000; ++m) {
    double value = varied_value(choice, 3, "h", m);
    ASSERT_TRUE(value == 1 || value == 2 || value == 5);
    fives += value == 5;
    ASSERT_EQ(varied_value(grid, 3, "h", m), grid.values[m % 3]);
  }
  EXPECT_NEAR(fives, 10000, 5 * std::sqrt(30000 * 2.0 / 9));  // binomial, five standard deviations
}

TEST(VariedValue, IndependentOfOtherNames) {
  Varied uniform{Varied::Kind::uniform, -1, 1, {}};
  double product = 0;
  constexpr uint32_t members = 100000;
  for (uint32_t m = 0; m < members; ++m) product += varied_value(uniform, 3, "a", m) * varied_value(uniform, 3, "b", m);
  EXPECT_NEAR(product / members, 0,
              5 * (1.0 / 3) / std::sqrt(static_cast<double>(members)));  // deviation of a product: 1/3
}

TEST(VariedValue, BadRangesNameTheHyperparameter) {
  EXPECT_EQ(message_of([] { varied_value({Varied::Kind::uniform, 2, 1, {}}, 1, "lr", 0); }),
            "lr: expected two finite ends in order, got 2 and 1");
  EXPECT_EQ(message_of([] { varied_value({Varied::Kind::log_uniform, 0, 1, {}}, 1, "lr", 0); }),
            "lr: expected positive ends for log_uniform, got 0");
  EXPECT_THAT(message_of([] { varied_value({Varied::Kind::choice, 0, 0, {}}, 1, "lr", 0); }),
              HasSubstr("got an empty one"));
}

}  // namespace
}  // namespace shoal
