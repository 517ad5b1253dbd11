// Run directories: what is written is what is read, and a folder that is none is named.
#include "runtime/run_directory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "compiler/support/error.h"

namespace shoal::runtime {
namespace {

class RunDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    path = std::filesystem::path(testing::TempDir()) /
           ("shoal_run_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(path);
  }
  void TearDown() override { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

TEST_F(RunDirectoryTest, KeepsScalingExactly) {
  const RunDirectory run(path / "deep" / "run");
  run.create();
  EXPECT_EQ(run.load_scaling().kind, ScalingKind::none);
  run.save_scaling({ScalingKind::standard, {0.1f, -3}, {1e-7f, 5}});
  const InputScaling scaling = run.load_scaling();
  EXPECT_EQ(scaling.kind, ScalingKind::standard);
  EXPECT_EQ(scaling.shift, (std::vector<float>{0.1f, -3}));
  EXPECT_EQ(scaling.scale, (std::vector<float>{1e-7f, 5}));
  run.save_scaling({});  // a new run without scaling in the same folder
  EXPECT_EQ(run.load_scaling().kind, ScalingKind::none);
}

TEST_F(RunDirectoryTest, RefusesForeignFolders) {
  const RunDirectory run(path);
  EXPECT_THROW(run.read_spec(), SpecError);
  run.create();
  EXPECT_THROW(run.read_spec(), SpecError);
  run.save_spec("{}");
  EXPECT_EQ(run.read_spec(), "{}");
}

TEST_F(RunDirectoryTest, TablesHaveTheDocumentedColumns) {
  std::filesystem::create_directories(path);
  History history;
  history.quantities = {"train_loss"};
  history.rows = {{44, 1, 0, {Quantiles{0, 0.25, 0.5, 1, 2, 3, 4}}}};
  write_history(path / "history.csv", history);
  MemberTable table;
  table.first_member = 10;
  table.varied = {"optimizer.lr"};
  table.varied_values = {{0.5f, 0.25f}};
  table.scores = {{"train_loss"}, {{1.5f, 2}}};
  table.diverged_at = {-1, 44};
  write_members(path / "members.csv", table);
  const auto text = [](const std::filesystem::path& file) {
    std::ifstream in(file);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_EQ(text(path / "history.csv"),
            "step,epoch,diverged,train_loss_min,train_loss_q05,train_loss_q25,train_loss_median,train_loss_q75,"
            "train_loss_q95,train_loss_max\n44,1,0,0,0.25,0.5,1,2,3,4\n");
  EXPECT_EQ(text(path / "members.csv"), "member,optimizer.lr,train_loss,diverged_at\n10,0.5,1.5,-1\n11,0.25,2,44\n");
}

}  // namespace
}  // namespace shoal::runtime
