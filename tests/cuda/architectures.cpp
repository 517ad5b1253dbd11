// The architecture table against the CUDA Programming Guide's figures.
#include "runtime/cuda/architectures.h"

#include <gtest/gtest.h>

#include "compiler/support/error.h"

namespace shoal::cuda {
namespace {

TEST(Architectures, SharedMemoryIsWhatTheGuideAllowsABlock) {
  for (auto [sm, kib] : {std::pair{80, 163}, {86, 99}, {89, 99}, {90, 227}, {100, 227}, {120, 99}}) {
    const Target target = cuda_target(sm);
    EXPECT_EQ(target.kind, Target::Kind::cuda);
    EXPECT_EQ(target.sm, sm);
    EXPECT_EQ(target.lanes, 32);
    EXPECT_EQ(target.registers, 255);
    EXPECT_EQ(target.shared_bytes, kib * 1024) << sm;
    EXPECT_GT(target.workers, 0);
  }
}

TEST(Architectures, AFamilyMemberTakesTheLowerOnesFigures) {
  EXPECT_EQ(cuda_target(103).sm, 103);
  EXPECT_EQ(cuda_target(103).shared_bytes, cuda_target(100).shared_bytes);
}

TEST(Architectures, OthersAreRefused) {
  for (int sm : {0, 70, 75, 130}) EXPECT_THROW(cuda_target(sm), SpecError) << sm;
}

}  // namespace
}  // namespace shoal::cuda
