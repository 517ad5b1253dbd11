// The shuffle bijection: a permutation for every n, and one that looks random.
#include "compiler/graph/shuffle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace shoal {
namespace {

std::vector<uint32_t> permutation(uint32_t n, uint32_t key, uint32_t epoch) {
  std::vector<uint32_t> images(n);
  for (uint32_t i = 0; i < n; ++i) images[i] = shuffle_index(i, n, key, epoch);
  return images;
}

void expect_bijection(uint32_t n, uint32_t key, uint32_t epoch) {
  std::vector<bool> seen(n, false);
  for (uint32_t image : permutation(n, key, epoch)) {
    ASSERT_LT(image, n) << "n=" << n;
    ASSERT_FALSE(seen[image]) << "n=" << n << " key=" << key << " image " << image << " twice";
    seen[image] = true;
  }
}

TEST(Shuffle, IsABijection) {
  for (uint32_t n = 1; n <= 300; ++n)
    for (uint32_t key : {0u, 1u, 0xffffffffu}) expect_bijection(n, key, n);
  for (uint32_t n : {997u, 1437u, 7919u, 65521u, 65535u, 65536u, 65537u, 100000u}) expect_bijection(n, 12345, 3);
}

TEST(Shuffle, ReachesTheLargestSize) {
  const uint32_t n = (1u << 31) - (1u << 16);
  for (uint32_t i : {0u, 1u, n / 2, n - 1}) EXPECT_LT(shuffle_index(i, n, 5, 6), n);
}

TEST(Shuffle, TakesNoMorePlacesThanThereAreWhereItCan) {
  for (const uint32_t n : {1u, 2u, 64u, 100u, 128u, 512u, 1000u, 2048u, 60000u, 50000u, 1u << 20, 1u << 21}) {
    const auto [rows, columns] = shuffle_sides(n);
    EXPECT_EQ(rows * columns, n);
    EXPECT_LE(rows, 2 * columns) << n;
  }
  for (const uint32_t n : {3u, 5u, 7u, 32u, 997u, 1437u, 65521u, 99991u, (1u << 31) - (1u << 16)}) {
    const auto [rows, columns] = shuffle_sides(n);
    EXPECT_GE(uint64_t{rows} * columns, n);
    EXPECT_LT(uint64_t{rows} * columns - n, rows) << n;
    EXPECT_LE(rows, 2 * columns) << n;
    EXPECT_LE(rows, 65536u) << n;
  }
}

TEST(Shuffle, DiffersBetweenKeysAndEpochs) {
  const auto base = permutation(1437, 1, 0);
  const auto fixed_points = [&base](const std::vector<uint32_t>& other) {
    int equal = 0;
    for (size_t i = 0; i < base.size(); ++i) equal += base[i] == other[i];
    return equal;
  };
  // Two random permutations agree in a number of places that is Poisson with mean 1: over 12 has probability 6e-11.
  for (uint32_t k = 2; k < 50; ++k) {
    EXPECT_LE(fixed_points(permutation(1437, k, 0)), 12);
    EXPECT_LE(fixed_points(permutation(1437, 1, k)), 12);
  }
}

// Chi-square statistic of observed counts against equal ones, in standard deviations of its distribution.
double chi_square_deviation(const std::vector<int>& counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double expected = total / static_cast<double>(counts.size());
  double statistic = 0;
  for (int count : counts) statistic += (count - expected) * (count - expected) / expected;
  const double freedom = static_cast<double>(counts.size()) - 1;
  return (statistic - freedom) / std::sqrt(2 * freedom);
}

TEST(Shuffle, PutsAnElementAnywhere) {
  // A fair shuffle is beyond 5 standard deviations about once in 1e5 for the skewed chi-square; the keys are fixed.
  for (uint32_t n : {5u, 16u, 100u, 360u})
    for (uint32_t i : {0u, n / 2, n - 1}) {
      std::vector<int> counts(n, 0);
      for (uint32_t key = 0; key < 200 * n; ++key) ++counts[shuffle_index(i, n, key, 0)];
      EXPECT_LT(chi_square_deviation(counts), 5) << "n=" << n << " i=" << i;
    }
}

TEST(Shuffle, SeparatesNeighbours) {
  // The distance (mod n) between the images of i and i + 1 is uniform on 1 .. n-1.
  const uint32_t n = 360;
  std::vector<int> counts(n - 1, 0);
  for (uint32_t key = 0; key < 300; ++key)
    for (uint32_t i = 0; i + 1 < n; i += 7)
      ++counts[(shuffle_index(i + 1, n, key, 1) + n - shuffle_index(i, n, key, 1)) % n - 1];
  EXPECT_LT(chi_square_deviation(counts), 5);
}

TEST(Shuffle, PutsPairsIntoOneBatchAsOftenAsChanceDoes) {
  // Of fixed pairs of samples, over keys. Four rounds in a rectangle of 16 x 8 favour its rows by 3 %.
  constexpr uint32_t n = 128, batch = 16, keys = 20000;
  double together = 0, pairs = 0;
  for (uint32_t key = 0; key < keys; ++key) {
    std::vector<uint32_t> place(12);
    for (uint32_t i = 0; i < place.size(); ++i) place[i] = shuffle_index(i, n, key, 0) / batch;
    for (size_t i = 0; i < place.size(); ++i)
      for (size_t j = 0; j < i; ++j) together += place[i] == place[j], ++pairs;
  }
  EXPECT_NEAR(together / pairs, (batch - 1.0) / (n - 1.0), 0.05 * batch / n);
}

TEST(Shuffle, HasNoSerialCorrelation) {
  const auto images = permutation(100000, 99, 4);
  const double mean = (100000 - 1) / 2.0, variance = (100000.0 * 100000.0 - 1) / 12;
  double covariance = 0;
  for (size_t i = 0; i + 1 < images.size(); ++i) covariance += (images[i] - mean) * (images[i + 1] - mean);
  // The correlation of neighbours in a random permutation has standard deviation 1/sqrt(n) = 0.0032; five of them.
  EXPECT_LT(std::fabs(covariance / 99999 / variance), 0.016);
}

}  // namespace
}  // namespace shoal
