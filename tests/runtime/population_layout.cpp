// Packing: element for element where Argument in compile.h says, and back, for odd populations and blocks.
#include "runtime/population_layout.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "compiler/support/error.h"

namespace shoal::runtime {
namespace {

Argument argument(int64_t block, int64_t samples, Shape shape, bool per_member = true) {
  const Argument a{.name = "weight",
                   .role = Role::parameter,
                   .varies = {.member = per_member, .sample = samples > 1},
                   .shape = std::move(shape),
                   .samples = samples,
                   .block = block};
  return a;
}

TEST(PopulationLayout, PutsElementsWhereTheContractSays) {
  for (const int64_t block : {1, 4, 8})
    for (const int64_t members : {1, 3, 8, 13})
      for (const int64_t samples : {1, 2}) {
        const ArgumentLayout layout = layout_of(argument(block, samples, {3, 5}), members, 8);
        std::vector<float> dense(static_cast<size_t>(layout.dense_elements()));
        std::iota(dense.begin(), dense.end(), 1.0f);
        std::vector<float> packed(static_cast<size_t>(packed_elements(layout, members)), -1.0f);
        pack<float>(layout, members, dense, packed);
        const int64_t units = 15;
        size_t found = 0;
        for (int64_t m = 0; m < members; ++m)
          for (int64_t s = 0; s < samples; ++s)
            for (int64_t u = 0; u < units; ++u) {
              const int64_t at = (m / block) * (samples * units * block) + (s * units + u) * block + m % block;
              ASSERT_EQ(packed[static_cast<size_t>(at)], dense[found++]) << "block " << block << " member " << m;
            }
        std::vector<float> back(dense.size());
        unpack<float>(layout, members, packed, back);
        EXPECT_EQ(back, dense);
        // What belongs to no member is zero: kernels compute on it, and a NaN there would cost time or raise flags.
        double total = 0;
        for (const float v : packed) total += v;
        EXPECT_EQ(total, std::accumulate(dense.begin(), dense.end(), 0.0));
      }
}

TEST(PopulationLayout, PadsMembersToTheMultiple) {
  const ArgumentLayout layout = layout_of(argument(8, 1, {2}), 13, 16);
  EXPECT_EQ(layout.padded, 16);
  EXPECT_EQ(layout.bytes(), 16 * 2 * 4);
  EXPECT_EQ(layout.dense_elements(), 13 * 2);
}

TEST(PopulationLayout, SharedDataIsNeitherPaddedNorMoved) {
  const ArgumentLayout layout = layout_of(argument(1, 1, {7, 3}, false), 13, 16);
  EXPECT_EQ(layout.elements(), 21);
}

TEST(PopulationLayout, RefusesWhatNoDeviceCanHold) {
  EXPECT_THROW(layout_of(argument(1, 1 << 30, {1 << 30, 1 << 10}), 1 << 20, 1), SpecError);
}

}  // namespace
}  // namespace shoal::runtime
