// Checkpoints: damage at every byte, the older file as the rescue, and no moment without a good one.
#include "runtime/io/checkpoint.h"

#include <gmock/gmock.h>

#include "tests/io/temporary_folder.h"

namespace shoal::io {
namespace {

using namespace shoal::test;
using testing::HasSubstr;

Checkpoint make_checkpoint(float value) {
  std::vector<float> weights{value, 2, 3};
  std::vector<int32_t> step{7};
  return {"{\"step\": 7}",
          {{"0.weight", make_tensor({3, 1}, std::span<const float>(weights))},
           {"step", make_tensor({}, std::span<const int32_t>(step))}}};
}

float first_weight(const Checkpoint& checkpoint) { return to_float(checkpoint.arrays.at(0).tensor, "").at(0); }

TEST(Checkpoint, RoundTrip) {
  TemporaryFolder folder;
  Checkpoint written = make_checkpoint(1);
  save_checkpoint(folder / "checkpoint", written);
  LoadedCheckpoint loaded = load_checkpoint(folder / "checkpoint");
  EXPECT_EQ(loaded.report, "");
  EXPECT_FALSE(loaded.from_previous);
  EXPECT_EQ(loaded.checkpoint.metadata, written.metadata);
  ASSERT_EQ(loaded.checkpoint.arrays.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(loaded.checkpoint.arrays[i].name, written.arrays[i].name);
    EXPECT_EQ(loaded.checkpoint.arrays[i].tensor.type, written.arrays[i].tensor.type);
    EXPECT_EQ(loaded.checkpoint.arrays[i].tensor.shape, written.arrays[i].tensor.shape);
    EXPECT_EQ(loaded.checkpoint.arrays[i].tensor.bytes, written.arrays[i].tensor.bytes);
  }
}

TEST(Checkpoint, KeepsTheLastTwo) {
  TemporaryFolder folder;
  for (float value : {1.0f, 2.0f, 3.0f}) save_checkpoint(folder / "checkpoint", make_checkpoint(value));
  EXPECT_EQ(first_weight(read_checkpoint(folder / "checkpoint")), 3);
  EXPECT_EQ(first_weight(read_checkpoint(folder / "checkpoint.previous")), 2);
  EXPECT_EQ(files_in(folder.path()), 2u) << "temporary files stayed behind";
}

TEST(Checkpoint, EveryDamagedByteAndEveryTruncationFallsBack) {
  TemporaryFolder folder;
  save_checkpoint(folder / "checkpoint", make_checkpoint(1));
  save_checkpoint(folder / "checkpoint", make_checkpoint(2));
  std::string good = get_file(folder / "checkpoint");
  auto expect_fallback = [&](const std::string& bytes, size_t at) {
    put_file(folder / "checkpoint", bytes);
    LoadedCheckpoint loaded = load_checkpoint(folder / "checkpoint");
    EXPECT_TRUE(loaded.from_previous) << at;
    EXPECT_EQ(first_weight(loaded.checkpoint), 1) << at;
    EXPECT_THAT(loaded.report, HasSubstr("continuing from the checkpoint before it, ")) << at;
  };
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    expect_fallback(bytes, at);
  }
  for (size_t size = 0; size < good.size(); ++size) expect_fallback(good.substr(0, size), size);
  expect_fallback(good + '\0', good.size());
}

TEST(Checkpoint, MissingNewestFallsBack) {
  TemporaryFolder folder;
  save_checkpoint(folder / "checkpoint", make_checkpoint(1));
  std::filesystem::rename(folder / "checkpoint", folder / "checkpoint.previous");
  EXPECT_THAT(load_checkpoint(folder / "checkpoint").report, HasSubstr("does not exist"));
}

TEST(Checkpoint, NothingUsableNamesBoth) {
  TemporaryFolder folder;
  put_file(folder / "checkpoint", "garbage");
  EXPECT_THAT(message_of([&] { load_checkpoint(folder / "checkpoint"); }),
              testing::AllOf(HasSubstr("no usable checkpoint"), HasSubstr("is no checkpoint of shoal"),
                             HasSubstr("checkpoint.previous: does not exist")));
}

TEST(Checkpoint, ADamagedOneNeverPushesOutAGoodOne) {
  TemporaryFolder folder;
  save_checkpoint(folder / "checkpoint", make_checkpoint(1));
  save_checkpoint(folder / "checkpoint", make_checkpoint(2));
  put_file(folder / "checkpoint", "garbage");
  save_checkpoint(folder / "checkpoint", make_checkpoint(3));
  EXPECT_EQ(first_weight(read_checkpoint(folder / "checkpoint")), 3);
  EXPECT_EQ(first_weight(read_checkpoint(folder / "checkpoint.previous")), 1);
}

TEST(Checkpoint, ALinkLeftByACrashIsNoObstacle) {
  TemporaryFolder folder;
  save_checkpoint(folder / "checkpoint", make_checkpoint(1));
  std::filesystem::create_hard_link(folder / "checkpoint", folder / "checkpoint.previous");
  save_checkpoint(folder / "checkpoint", make_checkpoint(2));
  EXPECT_EQ(first_weight(read_checkpoint(folder / "checkpoint.previous")), 1);
  EXPECT_EQ(files_in(folder.path()), 2u);
}

TEST(Checkpoint, FailedWritesLeaveTheOldOnes) {
  TemporaryFolder folder;
  save_checkpoint(folder / "checkpoint", make_checkpoint(1));
  Checkpoint twice = make_checkpoint(2);
  twice.arrays.push_back(twice.arrays[0]);
  EXPECT_THAT(message_of([&] { save_checkpoint(folder / "checkpoint", twice); }),
              HasSubstr("two arrays called '0.weight'"));
  EXPECT_EQ(first_weight(read_checkpoint(folder / "checkpoint")), 1);
  EXPECT_EQ(files_in(folder.path()), 1u);
  EXPECT_THAT(message_of<RuntimeError>([&] { save_checkpoint("/nowhere/c", make_checkpoint(1)); }),
              HasSubstr("/nowhere/c: cannot be written"));
}

}  // namespace
}  // namespace shoal::io
