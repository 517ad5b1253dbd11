// tune: what it takes is remembered, serves as if given by hand, and a remembered text that no longer serves is as
// none.
#include "runtime/tune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "compiler/rank.h"
#include "runtime/cache.h"
#include "runtime/devices.h"
#include "runtime/training.h"
#include "tests/io/temporary_folder.h"
#include "tests/runtime/small_models.h"

namespace shoal::runtime {
namespace {

#if SHOAL_CPU
const std::string device_name = "cpu";
#else
const std::string device_name = "reference";
#endif
constexpr int64_t members = 9;

Program program() { return train(test::classifier(), {50, 8, 0}); }

std::unique_ptr<Device> open() { return open_device({.name = device_name, .threads = 1}); }

// A cache that holds one value for any key.
struct OneEntry final : KernelCache {
  std::optional<std::string> value;
  std::optional<std::string> find(const CacheKey&) override { return value; }
  void store(const CacheKey&, std::string_view stored) override { value = std::string(stored); }
};

bool is_candidate(const std::string& schedule, Device& device) {
  const std::vector<Ranked> all = rank(program().graph, device.target(), members);
  return std::any_of(all.begin(), all.end(), [&](const Ranked& r) { return print(r.candidate.schedule) == schedule; });
}

TEST(Tune, IsRememberedByTheNextProcess) {
  test::TemporaryFolder folder;
  const auto device = open();
  std::string first;
  {
    DiskCache cache({.directory = folder / "cache"});
    const Tuned tuned = tune(*device, members, program(), &cache);
    EXPECT_FALSE(tuned.remembered);
    EXPECT_TRUE(is_candidate(tuned.schedule, *device)) << tuned.schedule;
    EXPECT_THAT(tuned.report, testing::HasSubstr("tuned: " + tuned.schedule));
    first = tuned.schedule;
  }
  DiskCache cache({.directory = folder / "cache"});
  const Tuned again = tune(*device, members, program(), &cache);
  EXPECT_TRUE(again.remembered);
  EXPECT_EQ(again.schedule, first);
  EXPECT_FALSE(tune(*device, members + 1, program(), &cache).remembered) << "another population";
}

TEST(Tune, WhatIsRememberedIsTakenAsItIs) {
  const auto device = open();
  OneEntry cache;
  cache.value = "member=group sample=lane unit=loop tile=1x3 unroll=2";
  const Tuned tuned = tune(*device, members, program(), &cache);
  EXPECT_TRUE(tuned.remembered);
  EXPECT_EQ(tuned.schedule, print(plan::parse_schedule(*cache.value, device->target().lanes)));
}

TEST(Tune, AnEntryThatDoesNotServeIsAsNone) {
  const auto device = open();
  for (const std::string bad : {"", "\x01\x02", "member=group,lane tile=99x99", "member=group,lane chunk=1000"}) {
    OneEntry cache;
    cache.value = bad;
    const Tuned tuned = tune(*device, members, program(), &cache);
    EXPECT_FALSE(tuned.remembered) << bad;
    EXPECT_EQ(cache.value, tuned.schedule) << bad;
  }
}

TEST(Tune, ADamagedFileIsAsNone) {
  test::TemporaryFolder folder;
  const auto device = open();
  {
    DiskCache cache({.directory = folder / "cache"});
    tune(*device, members, program(), &cache);
  }
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder / "cache")) {
    std::fstream damage(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(-20, std::ios::end);
    damage.put('#');
    ++files;
  }
  EXPECT_EQ(files, 1);
  DiskCache cache({.directory = folder / "cache"});
  EXPECT_FALSE(tune(*device, members, program(), &cache).remembered);
}

TEST(Tune, ResultsAreThoseOfTheScheduleGivenByHand) {
  const Model model = test::classifier();
  const Dataset data = test::lattice(model, 50);
  TrainingSettings settings;
  settings.members = members, settings.seed = 3, settings.batch = 8, settings.epochs = 2;
  const auto weights = [&](const TrainingSettings& s, std::string* schedule) {
    const auto device = open();
    Training training(*device, model, data, nullptr, s);
    TrainingObserver quiet;
    EXPECT_TRUE(training.run(quiet));
    *schedule = training.program().module().schedule;
    EXPECT_EQ(training.tuning().empty(), s.tune == nullptr);
    return training.parameters();
  };
  OneEntry cache;
  TrainingSettings with_tune = settings, by_hand = settings;
  with_tune.tune = &cache;
  std::string tuned, given;
  const auto a = weights(with_tune, &tuned);
  by_hand.schedule = tuned;
  const auto b = weights(by_hand, &given);
  EXPECT_EQ(cache.value, tuned);
  EXPECT_EQ(given, tuned);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].tensor.bytes, b[i].tensor.bytes) << a[i].name;
}

}  // namespace
}  // namespace shoal::runtime
