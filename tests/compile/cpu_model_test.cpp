// What the cost model knows of processors: vectors of 512 bits, and masks.
#include "compiler/cpu_model.h"

#include <gtest/gtest.h>

namespace shoal::test {
namespace {

TEST(CpuModel, TakesVectorsOf512BitsAsTheProcessorDoes) {
  Target avx2;
  Target zen4 = avx2, xeon = avx2;
  zen4.cpu = {.cpu = "znver4", .features = "+avx512f"};
  xeon.cpu = {.cpu = "sapphirerapids", .features = "+avx512f"};
  const double fp = core_of(avx2, 8).fp;
  EXPECT_EQ(core_of(zen4, 8).fp, fp);
  EXPECT_EQ(core_of(zen4, 16).fp, fp / 2);
  EXPECT_GT(core_of(zen4, 16).division, core_of(zen4, 8).division);
  EXPECT_EQ(core_of(xeon, 16).fp, fp);
  EXPECT_LT(core_of(xeon, 8).masked_store, core_of(avx2, 8).masked_store);  // masks are registers of their own
}

}  // namespace
}  // namespace shoal::test
