// Code that is recalled instead of compiled: it trains as before, and never when anything about it is in doubt.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "compiler/outline.h"
#include "compiler/support/archive.h"
#include "compiler/support/error.h"
#include "runtime/cache.h"
#include "runtime/compiled_program.h"
#include "runtime/devices.h"
#include "runtime/training.h"
#include "tests/io/temporary_folder.h"
#include "tests/runtime/small_models.h"

#if SHOAL_CPU

namespace shoal::runtime {
namespace {

using Source = LoadReport::Source;

struct MapCache : KernelCache {
  std::map<std::string, std::string> entries;
  std::optional<std::string> find(const CacheKey& key) override {
    const auto at = entries.find(key.material);
    return at == entries.end() ? std::nullopt : std::optional(at->second);
  }
  void store(const CacheKey& key, std::string_view value) override { entries[key.material] = value; }
};

std::unique_ptr<Device> open_cpu(KernelCache& cache) {
  return open_device({.name = "cpu", .threads = 1, .jobs = {}, .cache = &cache});
}

Program program() { return train(test::linear_model(), {50, 8, 0}); }

// Weights after a few epochs, and where the code came from.
std::vector<io::NamedTensor> trained(KernelCache& cache, Source expected) {
  const auto device = open_cpu(cache);
  TrainingSettings settings;
  settings.members = 5;
  settings.batch = 8;
  settings.epochs = 2;
  const Model model = test::classifier();
  const Dataset train = test::lattice(model, 50);
  Training training(*device, model, train, nullptr, settings);
  EXPECT_EQ(training.program().load_report().source, expected);
  EXPECT_EQ(training.program().module().source.empty(), expected != Source::compiled);
  EXPECT_FALSE(training.program().module().why.empty());
  TrainingObserver quiet;
  training.run(quiet);
  return training.parameters();
}

void expect_same(const std::vector<io::NamedTensor>& a, const std::vector<io::NamedTensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].tensor.bytes, b[i].tensor.bytes) << a[i].name;
}

TEST(Recall, TrainsBitForBitAsWhatWasCompiled) {
  test::TemporaryFolder folder;
  std::vector<io::NamedTensor> compiled, recalled;
  {
    DiskCache cache({.directory = folder.path()});
    compiled = trained(cache, Source::compiled);
  }
  DiskCache cache({.directory = folder.path()});
  recalled = trained(cache, Source::disk);
  expect_same(compiled, recalled);
}

TEST(Recall, FromMemoryWhileTheDeviceLives) {
  MapCache cache;
  const auto device = open_cpu(cache);
  const CompiledProgram first = compile_program(*device, 5, program(), "");
  EXPECT_EQ(first.report.source, Source::compiled);
  cache.entries.clear();
  const CompiledProgram second = compile_program(*device, 5, program(), "");
  EXPECT_EQ(second.report.source, Source::memory);
  EXPECT_EQ(second.report.key, first.report.key);
  EXPECT_EQ(second.compile_seconds, 0);
  EXPECT_EQ(compile_program(*device, 6, program(), "").report.source, Source::compiled) << "another population";
  EXPECT_EQ(compile_program(*device, 5, program(), "member=group,lane sample=loop unit=loop").report.source,
            Source::compiled);
}

TEST(Recall, OfAnotherBuildOfTheCompilerNothing) {
  MapCache cache;
  const auto device = open_cpu(cache);
  const Program p = program();
  Options options;
  options.members = 5;
  const Module module = compile(p.graph, device->target(), options);
  const auto origin = [&](std::string_view build) { return origin_of(p.graph, device->target(), options, build); };
  device->load(module, nullptr, origin("an older build"));
  EXPECT_TRUE(device->recall(origin("an older build")));
  EXPECT_FALSE(device->recall(origin(build_id())));
  EXPECT_EQ(compile_program(*device, 5, program(), "").report.source, Source::compiled);
}

TEST(Recall, DamagedEntriesAreCompiledAndWrittenAnew) {
  MapCache cache;
  compile_program(*open_cpu(cache), 5, program(), "");
  ASSERT_EQ(cache.entries.size(), 1u);
  std::string& entry = cache.entries.begin()->second;
  const std::string good = entry;
  ByteReader reader(good);
  std::string outline, code;
  reader(outline, code);
  ByteWriter swapped, empty;
  swapped(code, outline);
  empty(outline, std::string());
  for (const std::string& bad : {std::string(), std::string("junk"), good.substr(0, outline.size() / 2),
                                 good.substr(0, good.size() - 1), good + "x", swapped.bytes, empty.bytes}) {
    entry = bad;
    EXPECT_EQ(compile_program(*open_cpu(cache), 5, program(), "").report.source, Source::compiled);
    EXPECT_EQ(entry, good);
  }
}

TEST(Recall, TeamsAreRefusedWhereThereAreNone) {
  MapCache cache;
  const auto device = open_device({.name = "cpu", .threads = 2, .jobs = {}, .cache = &cache});
  const Program p = train(test::classifier(), {50, 8, 0});
  Options options;
  options.members = 5;
  options.schedule = "member=group sample=loop,warp*2 unit=loop,lane";
  const Module module = compile(p.graph, device->target(), options);
  ASSERT_EQ(module.kernel.warps, 2);
  device->load(module, nullptr, "an origin");
  const JobSystem jobs{nullptr, [](void*, int64_t, void (*)(void*, int64_t), void*) {}, 2};
  const auto host = open_device({.name = "cpu", .threads = 0, .jobs = jobs, .cache = &cache});
  EXPECT_THROW(host->recall("an origin"), SpecError);
}

// Each process finds nothing, a finished entry of another one, or its own; never a part.
TEST(Recall, ProcessesShareOneDirectory) {
  test::TemporaryFolder folder;
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      int wrong = 0;
      for (int64_t members : {5, 6}) {
        DiskCache cache({.directory = folder.path()});
        const auto device = open_cpu(cache);
        const CompiledProgram compiled = compile_program(*device, members, program(), "");
        wrong += !compiled.executable || compiled.module.members != members;
      }
      ::_exit(wrong);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  DiskCache cache({.directory = folder.path()});
  for (int64_t members : {5, 6})
    EXPECT_EQ(compile_program(*open_cpu(cache), members, program(), "").report.source, Source::disk);
  EXPECT_EQ(cache.statistics().entries, 2);
}

}  // namespace
}  // namespace shoal::runtime

#endif
