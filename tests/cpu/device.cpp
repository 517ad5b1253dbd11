// The CPU device and the interpreter's device: launches, scratch, caches, and arguments that do not fit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include "compiler/support/error.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/host.h"
#include "runtime/cpu/jit.h"
#include "runtime/cpu/scratch_pool.h"
#include "runtime/reference/reference_device.h"

namespace shoal::test {
namespace {

using kernel::Builder;
using kernel::Kernel;
using kernel::Op;
using kernel::Space;

// out[group][lane] = in[group][lane xor 1] * factor, through shared memory.
Module make_module(const Target& target, float factor) {
  Module module;
  module.target = target;
  Kernel& k = module.kernel;
  k.lanes = target.lanes;
  k.shared_elements = target.lanes;
  const int64_t groups = 100;
  k.buffers = {{.name = "in", .size = groups * k.lanes},
               {.name = "out", .size = groups * k.lanes, .written = true},
               {.name = "s", .space = Space::shared, .size = k.lanes, .written = true}};
  k.scalars = {"count"};
  Builder b(k);
  const int32_t lane = b.leaf(Op::lane);
  const int32_t at = b.emit(Op::add, b.emit(Op::mul, b.leaf(Op::group), b.constant_i32(k.lanes)), lane);
  b.store(2, -1, lane, 0, b.load(0, -1, at, 0));
  b.barrier(false);
  const int32_t other = b.load(2, -1, b.emit(Op::bxor, lane, b.constant_i32(1)), 0);
  b.store(1, -1, at, 0, b.emit(Op::mul, other, b.constant(factor)));
  module.groups = groups;
  module.scalars = k.scalars;
  module.source = emit::llvm(k, target.cpu);
  return module;
}

struct MapCache : KernelCache {
  std::map<std::string, std::string> entries;
  std::optional<std::string> find(const CacheKey& key) override {
    const auto at = entries.find(key.material);
    return at == entries.end() ? std::nullopt : std::optional(at->second);
  }
  void store(const CacheKey& key, std::string_view value) override { entries[key.material] = value; }
};

std::vector<float> run(Device& device, Executable& executable, int32_t lanes) {
  std::vector<float> in(size_t(100 * lanes)), out(in.size());
  for (size_t k = 0; k < in.size(); ++k) in[k] = float(k);
  const auto bytes = int64_t(in.size() * sizeof(float));
  const auto from = device.allocate(bytes), to = device.allocate(bytes);
  from->write(in.data(), bytes);
  executable.launch({from.get(), to.get()}, {1});
  to->read(out.data(), bytes);
  return out;
}

TEST(CpuDevice, LaunchesAsTheFormulaSaysOnAnyNumberOfThreads) {
  for (int threads : {1, 2, 5}) {
    cpu::CpuDevice device(threads);
    EXPECT_EQ(device.target().workers, threads);
    const Module module = make_module(device.target(), 3.0f);
    const int32_t lanes = module.kernel.lanes;
    const auto executable = device.load(module);
    const std::vector<float> out = run(device, *executable, lanes);
    for (size_t k = 0; k < out.size(); ++k) ASSERT_EQ(out[k], 3.0f * float(k ^ 1));  // whole numbers: exact
  }
}

TEST(CpuDevice, ReferenceDeviceAgrees) {
  ReferenceDevice device(cpu::detect_host());
  EXPECT_EQ(device.target().lanes, cpu::detect_host().lanes);
  const Module module = make_module(device.target(), 3.0f);
  LoadReport report;
  const auto executable = device.load(module, &report);
  EXPECT_EQ(report.key.size(), 32u);
  const std::vector<float> out = run(device, *executable, module.kernel.lanes);
  for (size_t k = 0; k < out.size(); ++k) ASSERT_EQ(out[k], 3.0f * float(k ^ 1));
}

TEST(CpuDevice, CodeComesFromMemoryThenFromTheCacheThenFromLlvm) {
  MapCache cache;
  LoadReport report;
  cpu::CpuDevice first(1, &cache);
  const Module module = make_module(first.target(), 2.0f);
  first.load(module, &report);
  EXPECT_EQ(report.source, LoadReport::Source::compiled);
  first.load(module, &report);
  EXPECT_EQ(report.source, LoadReport::Source::memory);
  first.load(make_module(first.target(), 4.0f), &report);
  EXPECT_EQ(report.source, LoadReport::Source::compiled);
  EXPECT_EQ(cache.entries.size(), 2u);

  cpu::CpuDevice second(1, &cache);
  const auto executable = second.load(module, &report);
  EXPECT_EQ(report.source, LoadReport::Source::disk);
  EXPECT_EQ(run(second, *executable, module.kernel.lanes)[0], 2.0f);
  EXPECT_THAT(cache.entries.begin()->first, ::testing::HasSubstr("llvm " + cpu::llvm_version()));
}

TEST(CpuDevice, ADamagedCacheEntryIsAMissAndIsWrittenAnew) {
  MapCache cache;
  LoadReport report;
  const Module module = make_module(cpu::detect_host(), 2.0f);
  cpu::CpuDevice(1, &cache).load(module, &report);
  const std::string good = cache.entries.begin()->second;
  for (const std::string& bad : {std::string(), std::string("junk"), good.substr(0, good.size() - 100)}) {
    cache.entries.begin()->second = bad;
    cpu::CpuDevice device(1, &cache);
    const auto executable = device.load(module, &report);
    EXPECT_EQ(report.source, LoadReport::Source::compiled);
    EXPECT_EQ(cache.entries.begin()->second, good);
    EXPECT_EQ(run(device, *executable, module.kernel.lanes)[0], 2.0f);
  }
}

TEST(CpuDevice, ExecutablesOutliveTheDevice) {
  auto device = std::make_unique<cpu::CpuDevice>(2);
  const Module module = make_module(device->target(), 2.0f);
  const auto executable = device->load(module);
  device.reset();
  cpu::CpuDevice other(1);
  EXPECT_EQ(run(other, *executable, module.kernel.lanes)[2], 6.0f);
}

TEST(CpuDevice, RefusesArgumentsThatDoNotFit) {
  cpu::CpuDevice device(1);
  const Module module = make_module(device.target(), 2.0f);
  const auto executable = device.load(module);
  const auto large = device.allocate(1 << 16), small = device.allocate(8);
  EXPECT_THROW(executable->launch({large.get()}, {1}), RuntimeError);
  EXPECT_THROW(executable->launch({large.get(), large.get()}, {}), RuntimeError);
  EXPECT_THROW(executable->launch({large.get(), small.get()}, {1}), RuntimeError);
  Module foreign = module;
  foreign.target.kind = Target::Kind::cuda;
  EXPECT_THROW(device.load(foreign), InternalError);
}

TEST(CpuDevice, BuffersAreAlignedZeroedAndBounded) {
  cpu::CpuDevice device(1);
  for (int64_t bytes : {int64_t{1}, int64_t{100}, int64_t{5} << 20}) {
    const auto buffer = device.allocate(bytes);
    std::vector<char> content(size_t(bytes), 'x');
    buffer->read(content.data(), bytes);
    EXPECT_TRUE(std::all_of(content.begin(), content.end(), [](char c) { return c == 0; }));
    EXPECT_EQ(buffer->bytes(), bytes);
    EXPECT_THROW(buffer->read(content.data(), bytes, 1), RuntimeError);
    EXPECT_THROW(buffer->write(content.data(), 1, bytes), RuntimeError);
    EXPECT_THROW(buffer->write(content.data(), 1, -1), RuntimeError);
  }
  EXPECT_THROW(device.allocate(int64_t{1} << 60), RuntimeError);
  EXPECT_THROW(device.allocate(-1), RuntimeError);
}

TEST(ScratchPool, PiecesStandApartLargeOnesOnLargePagesAndAreUsedAgain) {
  cpu::ScratchPool pool;
  const auto address = [](const cpu::ScratchPool::Piece& piece) { return reinterpret_cast<uintptr_t>(piece.data()); };
  const int64_t bytes = 100 << 10;
  uintptr_t first = 0;
  {
    const cpu::ScratchPool::Piece small = pool.take(1000), large = pool.take(bytes), other = pool.take(bytes);
    EXPECT_EQ(address(small) % 4096, 0u);
    EXPECT_EQ(address(large) % (2 << 20), 0u);
    EXPECT_EQ(address(other) % (2 << 20), 0u);
    EXPECT_NE(address(large), address(other));
    std::memset(large.data(), 1, bytes);
    const auto* elements = static_cast<const char*>(other.data());
    EXPECT_TRUE(std::all_of(elements, elements + bytes, [](char c) { return c == 0; }));
    first = address(large);
  }
  const cpu::ScratchPool::Piece one = pool.take(bytes), two = pool.take(bytes), three = pool.take(bytes);
  EXPECT_TRUE(address(one) == first || address(two) == first || address(three) == first);
}

TEST(CpuDevice, LevelsAreVetoedByTheMachine) {
  EXPECT_THROW(cpu::detect_host("z80"), SpecError);
  EXPECT_THROW(cpu::detect_host("aarch64"), SpecError);  // code can be made for it, and not run
  EXPECT_EQ(cpu::target_for("aarch64").lanes, 4);
  EXPECT_EQ(cpu::target_for("x86-64-v4").lanes, 16);
  EXPECT_EQ(cpu::detect_host("x86-64").lanes, 4);
  EXPECT_EQ(cpu::detect_host("x86-64-v2").lanes, 4);
  const Target target = cpu::detect_host("x86-64");
  for (const char* off : {"-avx", "-avx2", "-fma", "-avx512f", "-sse4.1"}) {
    EXPECT_THAT(target.cpu.features, ::testing::HasSubstr(off));
  }
  const auto features = cpu::host_features();
  const bool has_v4 =
      std::find(features.begin(), features.end(), std::pair<std::string, bool>{"avx512bw", true}) != features.end();
  if (!has_v4) {
    EXPECT_THROW(cpu::detect_host("x86-64-v4"), SpecError);
  } else {
    EXPECT_EQ(cpu::detect_host("x86-64-v4").lanes, 16);
  }
}

}  // namespace
}  // namespace shoal::test
