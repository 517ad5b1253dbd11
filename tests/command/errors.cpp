// Exit codes and messages: one line on standard error that begins with "shoal: error:".
#include <gmock/gmock.h>

#include "tests/command/run_command.h"

namespace shoal::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class CommandErrors : public CommandTest {
 protected:
  void expect_failure(const std::vector<std::string>& arguments, int code, const std::string& part) const {
    const CommandResult result = shoal(arguments);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_THAT(result.err, StartsWith("shoal: error: "));
    EXPECT_THAT(result.err, HasSubstr(part));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
  }
  std::string spec() const { return file("spec.json", small_spec(path("data.npz"))); }
};

TEST_F(CommandErrors, UsageIsTwo) {
  expect_failure({}, 2, "subcommand");
  expect_failure({"trian"}, 2, "no subcommand \"trian\"; did you mean \"train\"?");
  expect_failure({"train"}, 2, "SPEC");
  expect_failure({"train", spec(), "--members", "0"}, 2, "--members");
  expect_failure({"train", spec(), "--epochs", "1", "--steps", "2"}, 2, "--steps");
  expect_failure({"train", spec(), "--device", "gpu"}, 2, "expected reference, cpu or cuda, got \"gpu\"");
  expect_failure({"train", spec(), "--device", "cpu:z80"}, 2, "x86-64-v3, x86-64-v4 or aarch64, got z80");
  expect_failure({"dump", spec()}, 2, "--stage");
  expect_failure({"dump", spec(), "--stage", "cuda", "--target", "cpu"}, 2, "sm_80");
  expect_failure({"dump", spec(), "--stage", "asm", "--target", "z80"}, 2, "aarch64, got z80");
  expect_failure({"doc", "dens"}, 2, "dense");
}

TEST_F(CommandErrors, SpecsAndDataAreTwo) {
  expect_failure({"train", file("bad.json", "{\"shoal\": 1,")}, 2, "bad.json:");
  expect_failure({"train", spec(), "--set", "network.layers.0.dense.units=0"}, 2, "/network/layers/0");
  expect_failure({"train", spec(), "--schedule", "member=everywhere"}, 2, "schedule");
  expect_failure({"train", spec(), "--set", "training.batch=13"}, 2, "expected a batch of 1 to 12");
  expect_failure({"train", spec(), "--data", file("data.npz.txt", "a,b\n1,2\n")}, 2, "data.npz.txt");
  std::filesystem::create_directory(path("empty"));
  expect_failure({"predict", path("empty"), "--input", "x.npy", "--out", "y.npy"}, 2, "spec.json");
  expect_failure({"evaluate", spec()}, 2, "run directory");
}

TEST_F(CommandErrors, MissingFilesAreFour) {
  expect_failure({"train", path("none.json")}, 4, "none.json");
  expect_failure({"train", spec(), "--data", path("none.npz")}, 4, "none.npz");
  file("taken", "a file, not a folder");
  expect_failure({"train", spec(), "--device", "reference", "--out", path("taken/run")}, 4, "taken/run");
}

TEST_F(CommandErrors, HelpIsNoError) {
  const CommandResult help = shoal({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, HasSubstr("130 interrupted"));
  EXPECT_EQ(shoal({"train", "--help"}).code, 0);
}

}  // namespace
}  // namespace shoal::test
