// The promises of training, bit for bit: alone or among many, one thread or two, in one launch or many, in one go or
// resumed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "compiler/support/error.h"
#include "runtime/devices.h"
#include "runtime/training.h"
#include "tests/runtime/small_models.h"

namespace shoal::runtime {
namespace {

#if SHOAL_CPU
const std::string device_name = "cpu";
#else
const std::string device_name = "reference";
#endif
// A lane per member, and a lane per sample: what is summed in lanes differs.
const std::vector<std::string> schedules{"member=group,lane sample=loop unit=loop tile=2x2",
                                         "member=group sample=loop,lane unit=loop tile=2x2"};

std::unique_ptr<Device> open(int threads = 1) { return open_device({device_name, threads, nullptr}); }

TrainingSettings settings(int64_t members, const std::string& schedule) {
  TrainingSettings s;
  s.members = members;
  s.seed = 11;
  s.batch = 8;
  s.epochs = 3;
  s.report_every = 1;
  s.schedule = schedule;
  s.varied = {{VariedHyperparameter::Kind::log_uniform, "optimizer.lr", {0.001, 0.1}}};
  return s;
}

struct Result {
  std::vector<io::NamedTensor> weights;
  History history;
  MemberTable members;
};

Result result_of(Training& training) { return {training.parameters(), training.history(), training.members()}; }

Result trained(const TrainingSettings& s, int threads = 1, Model model = test::classifier()) {
  const auto device = open(threads);
  const Dataset train = test::lattice(model, 50), validation = test::lattice(model, 21);
  Training training(*device, model, train, &validation, s);
  TrainingObserver quiet;
  EXPECT_TRUE(training.run(quiet));
  return result_of(training);
}

void expect_same(const Result& a, const Result& b) {
  ASSERT_EQ(a.weights.size(), b.weights.size());
  for (size_t i = 0; i < a.weights.size(); ++i) {
    EXPECT_EQ(a.weights[i].name, b.weights[i].name);
    EXPECT_EQ(a.weights[i].tensor.bytes, b.weights[i].tensor.bytes) << a.weights[i].name;
  }
  ASSERT_EQ(a.history.rows.size(), b.history.rows.size());
  for (size_t i = 0; i < a.history.rows.size(); ++i) {
    EXPECT_EQ(a.history.rows[i].step, b.history.rows[i].step);
    EXPECT_EQ(a.history.rows[i].values, b.history.rows[i].values) << "row " << i;
  }
  EXPECT_EQ(a.members.scores.values, b.members.scores.values);
}

TEST(TrainingBitwise, AMemberAloneIsTheMemberAmongMany) {
  for (const std::string& schedule : schedules) {
    const Result many = trained(settings(1000, schedule));
    for (const int64_t member : {0, 517, 999}) {
      TrainingSettings one = settings(1, schedule);
      one.first_member = member;
      const Result alone = trained(one);
      for (size_t i = 0; i < many.weights.size(); ++i) {
        const auto& all = many.weights[i].tensor.bytes;
        const auto& its = alone.weights[i].tensor.bytes;
        ASSERT_EQ(all.size(), its.size() * 1000);
        EXPECT_TRUE(std::equal(its.begin(), its.end(), all.begin() + member * static_cast<int64_t>(its.size())))
            << many.weights[i].name << " of member " << member << " under " << schedule;
      }
      EXPECT_EQ(alone.members.varied_values[0][0], many.members.varied_values[0][static_cast<size_t>(member)]);
      EXPECT_EQ(alone.members.scores.values[0][0], many.members.scores.values[0][static_cast<size_t>(member)]);
    }
  }
}

TEST(TrainingBitwise, ThreadsDoNotMatter) {
  for (const std::string& schedule : schedules)
    expect_same(trained(settings(100, schedule), 1), trained(settings(100, schedule), 2));
}

TEST(TrainingBitwise, StepsOfALaunchDoNotMatter) {
  for (const std::string& schedule : schedules) {
    const Result whole = trained(settings(20, schedule));
    for (const int64_t steps : {1, 4, 5}) {
      TrainingSettings split = settings(20, schedule);
      split.steps_per_launch = steps;
      expect_same(whole, trained(split));
    }
  }
}

// Sets the flag after some launches, as Ctrl-C does.
struct StopAfter : TrainingObserver {
  explicit StopAfter(int launches_) : launches(launches_) {}
  void launched(int64_t, int64_t) override { stop = --launches <= 0; }
  int launches;
  std::atomic<bool> stop{false};
};

TEST(TrainingBitwise, ResumedIsUninterrupted) {
  const Model model = test::classifier();
  const Dataset train = test::lattice(model, 50), validation = test::lattice(model, 21);
  for (const std::string& schedule : schedules) {
    TrainingSettings s = settings(20, schedule);
    const Result whole = trained(s);
    s.steps_per_launch = 4;  // an epoch has 6 steps: 4 launches end in the middle of the second one
    io::Checkpoint checkpoint;
    {
      const auto device = open();
      Training first(*device, model, train, &validation, s);
      StopAfter observer(3);
      EXPECT_FALSE(first.run(observer, &observer.stop));
      EXPECT_EQ(first.step(), 10);
      checkpoint = first.checkpoint();
    }
    const auto device = open();
    Training second(*device, model, train, &validation, s);
    second.restore(checkpoint, "checkpoint");
    EXPECT_EQ(second.step(), 10);
    TrainingObserver quiet;
    EXPECT_TRUE(second.run(quiet));
    expect_same(whole, result_of(second));
  }
}

TEST(TrainingBitwise, ACheckpointOfAnotherRunIsRefused) {
  const Model model = test::classifier();
  const Dataset train = test::lattice(model, 50), other = test::lattice(model, 49);
  const auto device = open();
  Training training(*device, model, train, nullptr, settings(3, schedules[0]));
  const io::Checkpoint checkpoint = training.checkpoint();
  EXPECT_EQ(summarize(checkpoint, "c").members, 3);
  Training more(*device, model, train, nullptr, settings(4, schedules[0]));
  EXPECT_THROW(more.restore(checkpoint, "c"), SpecError);
  Training data(*device, model, other, nullptr, settings(3, schedules[0]));
  EXPECT_THROW(data.restore(checkpoint, "c"), SpecError);
  EXPECT_THROW(data.restore({"something else", {}}, "c"), SpecError);
}

}  // namespace
}  // namespace shoal::runtime
