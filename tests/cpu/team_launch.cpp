// Kernels of several warps on the device: run together whatever the number of threads, refused where that cannot be
// had.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler/compile.h"
#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/host.h"

namespace shoal::cpu {
namespace {

// Twelve groups whose threads each add one to every element of their half, in rounds with barriers between, reading the
// other half: the result is known in closed form.
Module relay(int warps, int groups) {
  Module m;
  m.target = detect_host();
  m.target.lanes = 4;
  m.groups = groups;
  kernel::Kernel& k = m.kernel;
  k.warps = warps, k.lanes = 4, k.shared_elements = warps * 4;
  k.buffers = {{.name = "out", .written = true},
               {.name = "tile", .space = kernel::Space::shared, .size = warps * 4, .written = true}};
  k.scalars = {"rounds"};
  kernel::Builder b(k);
  using kernel::Op;
  const int32_t warp = b.leaf(Op::warp), lane = b.leaf(Op::lane), four = b.constant_i32(4);
  const int32_t mine = b.emit(Op::add, b.emit(Op::mul, warp, four), lane);
  const int32_t next_warp = b.emit(Op::rem, b.emit(Op::add, warp, b.constant_i32(1)), b.constant_i32(warps));
  const int32_t theirs = b.emit(Op::add, b.emit(Op::mul, next_warp, four), lane);
  b.store(1, -1, mine, 0, b.emit(Op::to_f32, b.leaf(Op::group)));
  b.barrier(true);
  b.loop(b.scalar(0));
  const int32_t value = b.load(1, -1, theirs, 0);
  b.barrier(true);
  b.store(1, -1, mine, 0, b.emit(Op::add, value, b.constant(1)));
  b.barrier(true);
  b.end();
  const int32_t base = b.emit(Op::mul, b.emit(Op::to_i64, b.leaf(Op::group)), b.constant_i64(warps * 4));
  b.store(0, base, mine, 0, b.load(1, -1, mine, 0));
  kernel::verify(k, "test");
  m.source = emit::llvm(k, m.target.cpu);
  return m;
}

TEST(Team, GroupsOfSeveralThreadsRunWithFewerAndMoreOfThem) {
  constexpr int groups = 12, rounds = 50;
  for (int warps : {2, 3}) {
    const Module m = relay(warps, groups);
    for (int threads : {1, 2, 5}) {
      CpuDevice device(threads);
      auto executable = device.load(m);
      auto out = device.allocate(groups * warps * 4 * 4);
      executable->launch({out.get()}, {rounds});
      std::vector<float> values(size_t(groups * warps * 4));
      out->read(values.data(), int64_t(values.size()) * 4);
      for (size_t i = 0; i < values.size(); ++i)
        ASSERT_EQ(values[i], float(int(i) / (warps * 4) + rounds)) << warps << " warps, " << threads << " threads";
    }
  }
}

TEST(Team, IsRefusedWithAJobSystem) {
  JobSystem jobs;
  jobs.parallel_for = [](void*, int64_t n, void (*run)(void*, int64_t), void* data) {
    for (int64_t item = 0; item < n; ++item) run(data, item);
  };
  jobs.workers = 4;
  CpuDevice device(CpuOptions{.jobs = jobs});
  EXPECT_EQ(device.target().workers, 4);
  EXPECT_FALSE(device.target().teams);
  Module m = relay(2, 3);
  m.schedule = "member=group sample=warp*2,lane";
  try {
    device.load(m);
    FAIL() << "accepted";
  } catch (const SpecError& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "schedule: 'member=group sample=warp*2,lane' needs 2 threads at the same time, which the host's job system "
        "does not promise; use a schedule without warps");
  }
}

}  // namespace
}  // namespace shoal::cpu
