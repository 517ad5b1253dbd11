// From a spec to a run directory, and from there to predictions and scores.
#include <gmock/gmock.h>

#include <csignal>
#include <thread>

#include "runtime/io/npy.h"
#include "runtime/io/npz.h"
#include "tests/command/run_command.h"

namespace shoal::test {
namespace {

using testing::HasSubstr;

class CommandTrain : public CommandTest {
 protected:
  std::string spec(const std::string& training = R"({"batch": 4, "epochs": 3})", int members = 6) const {
    return file("spec.json", small_spec(path("data.npz"), training, members));
  }
};

TEST_F(CommandTrain, WritesARunThatPredictsAndScores) {
  const CommandResult trained = shoal({"train", spec(), "--device", "reference", "--out", path("run")});
  ASSERT_EQ(trained.code, 0) << trained.err;
  for (const char* part : {"small: [2]", "device    reference", "schedule  ", "validation_mae", "best member",
                           "optimizer.lr", "ensemble", "member-steps/s"})
    EXPECT_THAT(trained.out, HasSubstr(part));
  for (const char* name : {"spec.json", "weights.npz", "scaling.npz", "history.csv", "members.csv", "checkpoint"})
    EXPECT_TRUE(std::filesystem::exists(path("run/" + std::string(name)))) << name;
  const auto weights = io::read_npz(path("run/weights.npz"));
  EXPECT_EQ(io::array_named(weights, "0.weight", "").shape, (std::vector<int64_t>{6, 4, 2}));
  EXPECT_EQ(io::array_named(weights, "2.bias", "").shape, (std::vector<int64_t>{6, 1}));
  const std::string members = read("run/members.csv");
  EXPECT_THAT(members, testing::StartsWith(
                           "member,optimizer.lr,train_loss,train_mae,validation_loss,validation_mae,diverged_at\n"));
  EXPECT_EQ(std::count(members.begin(), members.end(), '\n'), 7);

  const auto data = io::read_npz(path("data.npz"));
  io::write_npy(path("x.npy"), io::array_named(data, "x", ""));
  for (const auto& [ensemble, shape] :
       std::vector<std::pair<std::string, std::vector<int64_t>>>{{"mean", {16, 1}}, {"none", {6, 16, 1}}}) {
    const CommandResult predicted = shoal({"predict", path("run"), "--input", path("x.npy"), "--out", path("y.npy"),
                                           "--ensemble", ensemble, "--device", "reference"});
    ASSERT_EQ(predicted.code, 0) << predicted.err;
    EXPECT_EQ(io::read_npy(std::filesystem::path(path("y.npy"))).shape, shape);
  }
  EXPECT_EQ(
      shoal({"predict", path("run"), "--input", path("x.npy"), "--out", path("y.npy"), "--ensemble", "vote"}).code, 2);

  const auto outputs = [&](const char* storage) {
    const CommandResult predicted = shoal({"predict", path("run"), "--input", path("x.npy"), "--out", path("y.npy"),
                                           "--ensemble", "none", "--storage", storage});
    EXPECT_EQ(predicted.code, 0) << predicted.err;
    return io::to_float(io::read_npy(std::filesystem::path(path("y.npy"))), "y");
  };
  const std::vector<float> full = outputs("f32"), half = outputs("f16");
  EXPECT_NE(full, half);
  for (size_t i = 0; i < full.size(); ++i) EXPECT_NEAR(full[i], half[i], 0.01);
  EXPECT_EQ(shoal({"predict", path("run"), "--input", path("x.npy"), "--out", path("y.npy"), "--storage", "f8"}).code,
            2);

  const CommandResult scored = shoal({"evaluate", path("run"), "--device", "reference", "--storage", "bf16"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  EXPECT_THAT(scored.out, HasSubstr("6 members on 4 samples (validation data)"));
  EXPECT_THAT(scored.out, HasSubstr("mae"));
}

TEST_F(CommandTrain, JsonIsOneObjectAndRepeats) {
  const std::vector<std::string> command{"train",     spec(), "--device", "reference", "--json",
                                         "--members", "3",    "--steps",  "7"};
  const CommandResult first = shoal(command), second = shoal(command);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out.front(), '{');
  EXPECT_EQ(std::count(first.out.begin(), first.out.end(), '\n'), 1);
  EXPECT_THAT(first.out, HasSubstr("\"steps\":7"));
  EXPECT_THAT(first.out, HasSubstr("\"members\":3"));
  const auto scores = [](const std::string& text) { return text.substr(text.find("\"scores\"")); };
  EXPECT_EQ(scores(first.out), scores(second.out));
}

#if defined(__x86_64__)
// Every x86-64 processor has the vectors of four lanes of the lowest level, whatever else it has.
TEST_F(CommandTrain, ALevelOfTheProcessorSetsTheLanes) {
  const auto lanes = [&](const std::string& device, const std::string& schedule) {
    return shoal({"train", spec(), "--device", device, "--json", "--members", "8", "--schedule", schedule});
  };
  const std::string four = "member=group,lane*4 sample=loop unit=loop tile=2x2";
  const CommandResult lowest = lanes("cpu:x86-64", four), next = lanes("cpu:x86-64-v2", four);
  ASSERT_EQ(lowest.code, 0) << lowest.err;
  ASSERT_EQ(next.code, 0) << next.err;
  const auto scores = [](const std::string& text) { return text.substr(text.find("\"scores\"")); };
  EXPECT_EQ(scores(lowest.out), scores(next.out));
  // Twice as many as the level has, however many the machine has.
  EXPECT_EQ(lanes("cpu:x86-64", "member=group,lane*8 sample=loop unit=loop tile=2x2").code, 2);
}
#endif

TEST_F(CommandTrain, ResumingGivesTheSameWeightsAsOneRun) {
  ASSERT_EQ(shoal({"train", spec(), "--device", "reference", "--out", path("whole")}).code, 0);
  ASSERT_EQ(shoal({"train", spec(), "--device", "reference", "--epochs", "1", "--out", path("part")}).code, 0);
  const CommandResult resumed = shoal({"train", "--resume", path("part"), "--device", "reference", "--epochs", "3"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(read("part/weights.npz"), read("whole/weights.npz"));
}

TEST_F(CommandTrain, ControlCLeavesACheckpointToGoOnFrom) {
  const pid_t child =
      start({"train", spec(R"({"batch": 4, "steps": 1000000000})", 64), "--device", "reference", "--out", path("run")});
  // Training has begun when the spec has been said and compiled.
  for (int i = 0; i < 600 && read("stdout").find("compile ") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  kill(child, SIGINT);
  const CommandResult result = wait(child);
  EXPECT_EQ(result.code, 130) << result.err;
  EXPECT_THAT(result.err, HasSubstr("--resume"));
  EXPECT_TRUE(std::filesystem::exists(path("run/checkpoint")));
  EXPECT_TRUE(std::filesystem::exists(path("run/weights.npz")));
}

TEST_F(CommandTrain, DumpsEveryStage) {
  for (const std::string stage : {"graph", "plan", "kernel", "cuda", "llvm"}) {
    const CommandResult result = shoal({"dump", spec(), "--stage", stage, "--members", "16"});
    EXPECT_EQ(result.code, 0) << stage << ": " << result.err;
    EXPECT_GT(result.out.size(), 100u) << stage;
  }
  ASSERT_EQ(shoal({"dump", spec(), "--all", path("dump")}).code, 0);
  for (const char* name : {"00_graph.shoal", "20_plan.shoal", "40_kernel.shoal", "60_source.ll", "repro.sh"})
    EXPECT_TRUE(std::filesystem::exists(path("dump/" + std::string(name)))) << name;
  EXPECT_THAT(read("dump/repro.sh"), HasSubstr("--samples 12"));
  const CommandResult explained = shoal({"explain", spec()});
  EXPECT_EQ(explained.code, 0) << explained.err;
  EXPECT_THAT(explained.out, HasSubstr("schedule "));
}

// Code of any processor is made on any.
TEST_F(CommandTrain, DumpsForOtherProcessors) {
  for (const auto& [target, instruction] : {std::pair("x86-64", "mulps"), std::pair("x86-64-v3", "ymm"),
                                            std::pair("x86-64-v4", "zmm"), std::pair("aarch64", "fmla")}) {
    const CommandResult result = shoal(
        {"dump", spec(), "--stage", "asm", "--members", "64", "--target", target, "--schedule", "member=group,lane"});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr(instruction)) << target;
  }
}

TEST_F(CommandTrain, SmallSubcommandsAnswer) {
  EXPECT_THAT(shoal({"devices"}).out, HasSubstr("reference  yes"));
  EXPECT_THAT(shoal({"doc"}).out, HasSubstr("dense"));
  EXPECT_THAT(shoal({"doc", "dense"}).out, HasSubstr("units"));
  EXPECT_EQ(shoal({"schema"}).out.front(), '{');
  EXPECT_EQ(shoal({"cache", "show"}).code, 0);
  EXPECT_THAT(shoal({"cache", "clear"}).out, HasSubstr("removed"));
}

}  // namespace
}  // namespace shoal::test
