// The model of a multiprocessor against figures of NVIDIA's occupancy calculator and sums by hand; candidates are
// legal.
#include "compiler/plan/choose_gpu.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/graph/text.h"

namespace shoal::test {
namespace {

using plan::gpu_machine;
using plan::GpuWork;
using plan::predict_gpu;

constexpr int64_t kib = 1024;
const plan::GpuMachine h200 = gpu_machine(90, 132, 227 * kib), rtx4090 = gpu_machine(89, 128, 99 * kib);

double resident(int registers, int warps, int64_t shared, const plan::GpuMachine& machine = h200) {
  return predict_gpu({.issued = 1, .warps = warps, .registers = registers, .shared_bytes = shared}, machine).members;
}

// CUDA's occupancy calculator, compute capability 9.0 and 8.9.
TEST(ChooseGpu, ResidentMembersAreThoseOfTheOccupancyCalculator) {
  EXPECT_EQ(resident(255, 1, 0), 8);
  EXPECT_EQ(resident(168, 1, 0), 12);
  EXPECT_EQ(resident(128, 1, 0), 16);
  EXPECT_EQ(resident(32, 1, 0), 32);     // blocks
  EXPECT_EQ(resident(32, 4, 0), 16);     // 64 warps
  EXPECT_EQ(resident(64, 8, 0), 4);      // 32 warps of 64 registers
  EXPECT_EQ(resident(32, 1, 45120), 5);  // 228 KiB, a KiB of each block for the system
  EXPECT_EQ(resident(32, 1, 153088), 1);
  EXPECT_EQ(resident(32, 4, 0, rtx4090), 12);  // 48 warps
  EXPECT_EQ(resident(32, 1, 0, rtx4090), 24);  // blocks
}

TEST(ChooseGpu, RegistersAreNotSavedWhereSharedMemoryIsFull) {
  EXPECT_EQ(plan::blocks_of_any_registers(h200, 128, 196032), 1);
  EXPECT_EQ(plan::blocks_of_any_registers(h200, 128, 78848), 2);  // 2 x 128 threads of 256 registers are all of them
  EXPECT_EQ(plan::blocks_of_any_registers(h200, 160, 78848), 0);
  EXPECT_EQ(plan::blocks_of_any_registers(h200, 32, 31232), 7);
  EXPECT_EQ(plan::blocks_of_any_registers(h200, 32, 23872), 0);  // room for nine, registers for eight
  EXPECT_EQ(plan::blocks_of_any_registers(h200, 32, 0), 0);
}

TEST(ChooseGpu, TheBusiestResourceSetsThePace) {
  // Eight warps on each multiprocessor, once: 8 x 4,000 / 4 cycles of issue.
  GpuWork work{.issued = 4000, .floats = 3000, .registers = 255, .groups = int64_t{132} * 8};
  const plan::GpuPrediction issue = predict_gpu(work, h200);
  EXPECT_EQ(issue.limit, "issue");
  EXPECT_EQ(issue.residents, "registers");
  EXPECT_NEAR(issue.ns, 8 * 4000 / (4 * 1.98), 1e-6);
  work.shared_merge = 1500, work.shared_return = 3000;
  const plan::GpuPrediction shared = predict_gpu(work, h200);
  EXPECT_EQ(shared.limit, "shared memory");
  EXPECT_NEAR(shared.ns, 8 * 1500 / 1.98, 1e-6);
  EXPECT_NEAR(shared.ns_return, 8 * 3000 / 1.98, 1e-6);
  // 14 KB a member from device memory: 132 x 8 members' bytes at 4,800 GB/s.
  work.far_bytes = 14000;
  work.shared_merge = work.shared_return = 0, work.issued = 100;
  const plan::GpuPrediction memory = predict_gpu(work, h200);
  EXPECT_EQ(memory.limit, "device memory");
  EXPECT_NEAR(memory.ns, 132 * 8 * 14000 / 4800.0, 1e-6);
}

TEST(ChooseGpu, FewMembersWaitForThemselves) {
  GpuWork work{.issued = 4000, .registers = 255, .groups = 132};
  const plan::GpuPrediction lone = predict_gpu(work, h200);
  EXPECT_EQ(lone.limit, "latency");
  EXPECT_GT(lone.ns, 4000 / 1.98);  // a warp issues one instruction a cycle at most
  work.groups = 133;                // one multiprocessor has two, which hide each other
  EXPECT_EQ(predict_gpu(work, h200).ns, lone.ns);
}

Graph layer(int64_t batch, int64_t units) {
  const std::string n = std::to_string(units);
  return parse_graph("graph layer batch=" + std::to_string(batch) + "\nx = input(name=\"x\", shape=[" + n +
                     "], varies=sample)\nw = input(name=\"w\", role=parameter, shape=[" + n + ", " + n +
                     "], varies=member)\ny = contract(x, w, a=\"k\", b=\"ok\", out=\"o\")\nout y = y\n");
}

bool has(const std::vector<plan::GpuCandidate>& candidates, const std::string& name) {
  return std::any_of(candidates.begin(), candidates.end(), [&](const auto& c) { return c.name == name; });
}

TEST(ChooseGpu, CandidatesAreLegalAndFitTheSize) {
  for (int64_t batch : {1, 3, 32, 128})
    for (int64_t units : {1, 4, 64, 256})
      for (int64_t members : {1, 5, 1000, 1000000})
        for (const plan::GpuCandidate& c : plan::gpu_candidates(layer(batch, units), members, h200))
          EXPECT_NO_THROW(plan::check_schedule(c.schedule, 32, false, 90, batch)) << c.name;
  EXPECT_TRUE(has(plan::gpu_candidates(layer(4, 4), 100000, h200), "a thread per member"));
  EXPECT_TRUE(has(plan::gpu_candidates(layer(4, 4), 100000, h200), "8 members a warp"));
  EXPECT_FALSE(has(plan::gpu_candidates(layer(32, 64), 100000, h200), "a thread per member"));
  EXPECT_TRUE(has(plan::gpu_candidates(layer(32, 64), 100, h200), "4 warps per member, tiles of 8x4"));
  EXPECT_FALSE(has(plan::gpu_candidates(layer(4, 4), 100, h200), "4 warps per member, tiles of 8x4"));
}

}  // namespace
}  // namespace shoal::test
