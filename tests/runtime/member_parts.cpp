// Populations that do not fit on their device: trained in parts, bit for bit as in one go, or refused with the sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <span>

#include "compiler/support/error.h"
#include "runtime/prediction.h"
#include "runtime/reference/host_buffer.h"
#include "runtime/reference/reference_device.h"
#include "runtime/training.h"
#include "tests/runtime/small_models.h"

namespace shoal::runtime {
namespace {

using testing::HasSubstr;

// The interpreter with so much memory and no more.
class TightDevice : public ReferenceDevice {
 public:
  TightDevice(const Target& target, int64_t bytes) : ReferenceDevice(target), left_(std::make_shared<int64_t>(bytes)) {}

  std::unique_ptr<DeviceBuffer> allocate(int64_t bytes) override {
    if (bytes > *left_) throw RuntimeError(fmt::format("cannot allocate {} bytes, {} are free", bytes, *left_));
    return std::make_unique<Counted>(left_, bytes);
  }
  int64_t available_bytes() const override { return *left_; }

 private:
  struct Counted : HostBuffer {
    Counted(std::shared_ptr<int64_t> left_bytes, int64_t size) : HostBuffer(size), left(std::move(left_bytes)) {
      *left -= size;
    }
    ~Counted() override { *left += bytes(); }
    std::shared_ptr<int64_t> left;
  };
  std::shared_ptr<int64_t> left_;
};

Target gpu() {
  Target target;
  target.kind = Target::Kind::cuda;
  target.lanes = 32;
  target.sm = 90;
  return target;
}

struct Result {
  std::vector<io::NamedTensor> weights;
  History history;
  MemberTable members;
  std::vector<float> predicted;
  std::string why;
};

Result trained(int64_t bytes, int64_t members, const std::string& schedule, int64_t evaluated = 21) {
  const Model model = test::classifier();
  TightDevice device(gpu(), bytes);
  const Dataset train = test::lattice(model, 50), validation = test::lattice(model, evaluated);
  TrainingSettings s;
  s.members = members;
  s.seed = 11;
  s.batch = 8;
  s.steps = 7;
  s.report_every = 1;
  s.steps_per_launch = 3;
  s.schedule = schedule;
  s.varied = {{VariedHyperparameter::Kind::log_uniform, "optimizer.lr", {0.001, 0.1}}};
  Training training(device, model, train, &validation, s);
  TrainingObserver quiet;
  EXPECT_TRUE(training.run(quiet));
  Result result{training.parameters(), training.history(), training.members(), {}, training.program().module().why};
  Predictor predictor(training.population(), model, 4, "", 2);
  predictor.run(test::lattice(model, 4), [&](int64_t, int64_t, std::span<const float> y) {
    result.predicted.insert(result.predicted.end(), y.begin(), y.end());
  });
  return result;
}

void expect_same(const Result& a, const Result& b) {
  for (size_t i = 0; i < a.weights.size(); ++i)
    EXPECT_EQ(a.weights[i].tensor.bytes, b.weights[i].tensor.bytes) << a.weights[i].name;
  ASSERT_EQ(a.history.rows.size(), b.history.rows.size());
  for (size_t i = 0; i < a.history.rows.size(); ++i) EXPECT_EQ(a.history.rows[i].values, b.history.rows[i].values) << i;
  EXPECT_EQ(a.members.scores.values, b.members.scores.values);
  EXPECT_EQ(a.predicted, b.predicted);
}

constexpr int64_t plenty = int64_t{1} << 30;

TEST(MemberParts, AreOfNearlyEqualSizes) {
  EXPECT_EQ(members_of_part(1000, 1, 10, 1 << 20), 1000);
  EXPECT_EQ(members_of_part(1000, 1, 10, 9990), 500);  // not 999 and 1
  EXPECT_EQ(members_of_part(1000, 1, 10, 4000), 334);
  EXPECT_EQ(members_of_part(1000, 32, 320, 4000), 352);  // 11 of 32 groups
  EXPECT_EQ(members_of_part(1000, 32, 320, 319), 0);
}

// A warp for each member; a lane for each, in groups of 32; two programs of which one has another layout.
TEST(MemberParts, TrainBitForBitAsInOneGo) {
  for (const std::string schedule :
       {"", "member=group sample=lane*4 unit=lane*8 tile=2x2", "member=group,lane sample=loop unit=loop tile=2x2"}) {
    SCOPED_TRACE(schedule);
    const int64_t members = 75;
    const Result whole = trained(plenty, members, schedule);
    EXPECT_THAT(whole.why, Not(HasSubstr("at a time")));
    for (const int64_t bytes : {40000, 36000}) {
      const Result parts = trained(bytes, members, schedule);
      EXPECT_THAT(parts.why, HasSubstr("75 members do not fit on the device: they run from host memory, ")) << bytes;
      expect_same(parts, whole);
    }
  }
}

// Training alone fits; the validation that comes behind it does not, and takes the members away from it.
TEST(MemberParts, AProgramFindsItsMembersOnTheHost) {
  const std::string schedule = "member=group sample=lane*4 unit=lane*8 tile=2x2";
  const Result whole = trained(plenty, 40, schedule, 400);
  bool found = false;
  for (int64_t bytes = 36000; bytes >= 20000 && !found; bytes -= 1000) {
    SCOPED_TRACE(bytes);
    const Result parts = trained(bytes, 40, schedule, 400);
    expect_same(parts, whole);
    found = parts.why.find("at a time") != std::string::npos;
  }
  EXPECT_TRUE(found);
}

TEST(MemberParts, WhatNoPartFitsIsRefusedWithItsSizes) {
  try {
    trained(2000, 75, "");
    FAIL() << "trained";
  } catch (const RuntimeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the train program of 75 members needs "));
    EXPECT_THAT(error.what(), HasSubstr("2000 are free (order_key 320, data.x 600, data.y 200, "));
  }
}

}  // namespace
}  // namespace shoal::runtime
