// .npz archives: those of numpy, those that lie, and our own.
#include "runtime/io/npz.h"

#include <gmock/gmock.h>
#include <time.h>

#include <cmath>
#include <cstdlib>

#include "runtime/io/npy.h"
#include "tests/harness/source_directory.h"
#include "tests/io/temporary_folder.h"
#include "tests/io/zip_builder.h"

namespace shoal::io {
namespace {

using namespace shoal::test;
using testing::ElementsAre;
using testing::HasSubstr;

std::filesystem::path source(const std::string& name) {
  return std::filesystem::path(harness::source_directory()) / name;
}

Tensor floats(std::vector<int64_t> shape, std::vector<float> values) {
  return make_tensor(std::move(shape), std::span<const float>(values));
}

std::string npy_bytes(const Tensor& tensor) {
  return npy_header(tensor) + std::string(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
}

std::string refusal(const std::string& archive, const NpzLimits& limits = {}) {
  TemporaryFolder folder;
  put_file(folder / "evil.npz", archive);
  return message_of([&] { read_npz(folder / "evil.npz", limits); });
}

const std::string one = npy_bytes(floats({2}, {1, 2}));

TEST(Npz, StoredAndDeflatedOfNumpy) {
  for (const char* name : {"tests/io/cases/stored.npz", "tests/io/cases/deflated.npz"}) {
    std::vector<NamedTensor> arrays = read_npz(source(name));
    ASSERT_EQ(arrays.size(), 3u) << name;
    EXPECT_THAT(to_float(array_named(arrays, "x", name), ""), ElementsAre(-1, -0.5f, 0, 0.5f, 1, 1.5f));
    EXPECT_EQ(arrays[1].name, "0.weight");
    EXPECT_EQ(to_float(arrays[1].tensor, ""), std::vector<float>(2000, 1.0f));
    EXPECT_THAT(to_int32(array_named(arrays, "labels", name), ""), ElementsAre(0, 1, 2, 3, 4, 5));
  }
  EXPECT_EQ(read_npz(source("tests/io/cases/savez_compressed.npz")).size(), 2u);
}

TEST(Npz, DataOfTheExamples) {
  std::vector<NamedTensor> digits = read_npz(source("data/digits.npz"));
  const Tensor &x = array_named(digits, "x", ""), &y = array_named(digits, "y", "");
  EXPECT_EQ(x.type, ElementType::f32);
  EXPECT_EQ(y.type, ElementType::i32);
  EXPECT_THAT(x.shape, ElementsAre(1797, 64));
  EXPECT_THAT(y.shape, ElementsAre(1797));
  for (float value : to_float(x, "")) ASSERT_TRUE(value >= 0 && value <= 16 && value == std::floor(value));
  std::vector<int> count(10);
  for (int32_t label : to_int32(y, "")) ++count.at(static_cast<size_t>(label));
  EXPECT_THAT(count,
              ElementsAre(178, 182, 177, 183, 181, 182, 181, 179, 174, 180));  // of the description of the data set
  std::vector<NamedTensor> corners = read_npz(source("data/xor.npz"));
  EXPECT_THAT(to_float(array_named(corners, "y", ""), ""), ElementsAre(0, 1, 1, 0));
}

TEST(Npz, MissingArrayListsTheOthers) {
  std::vector<NamedTensor> arrays{{"a", {}}, {"b", {}}};
  EXPECT_EQ(message_of([&] { array_named(arrays, "x", "f.npz"); }), "f.npz: holds no array 'x'; it holds a, b");
}

TEST(Npz, WritesWhatItReadsAndTheSameBytesEachTime) {
  TemporaryFolder folder;
  std::vector<int32_t> integers{1, -2, 3};
  std::vector<NamedTensor> arrays{{"0.weight", floats({2, 2}, {1, 2, 3, 4})},
                                  {"seed", make_tensor({3}, std::span<const int32_t>(integers))},
                                  {"empty", floats({0, 5}, {})}};
  write_npz(folder / "a.npz", arrays);
  std::vector<NamedTensor> read = read_npz(folder / "a.npz");
  ASSERT_EQ(read.size(), arrays.size());
  for (size_t i = 0; i < arrays.size(); ++i) {
    EXPECT_EQ(read[i].name, arrays[i].name);
    EXPECT_EQ(read[i].tensor.shape, arrays[i].tensor.shape);
    EXPECT_EQ(read[i].tensor.bytes, arrays[i].tensor.bytes);
  }
  std::string zone = getenv("TZ") ? getenv("TZ") : "";
  setenv("TZ", "Pacific/Kiritimati", 1);
  tzset();
  write_npz(folder / "b.npz", arrays);
  setenv("TZ", zone.c_str(), 1);
  tzset();
  EXPECT_EQ(get_file(folder / "a.npz"), get_file(folder / "b.npz"));
  EXPECT_EQ(files_in(folder.path()), 2u) << "temporary files stayed behind";
  EXPECT_THAT(message_of([&] { write_npz(folder / "c.npz", {arrays[0], arrays[0]}); }),
              HasSubstr("repeated array name ('0.weight')"));
  EXPECT_THAT(message_of<RuntimeError>([&] { write_npz("/nowhere/c.npz", arrays); }),
              HasSubstr("/nowhere/c.npz: cannot be written"));
}

TEST(NpzHostile, TheBuilderMakesReadableArchives) {
  TemporaryFolder folder;
  put_file(folder / "good.npz", zip_of({{"a.npy", one}, {"b.npy", one}}));
  EXPECT_EQ(read_npz(folder / "good.npz").size(), 2u);
}

TEST(NpzHostile, EveryTruncationIsRefused) {
  std::string whole = get_file(source("tests/io/cases/deflated.npz"));
  for (size_t size = 0; size < whole.size(); size += 7)
    EXPECT_THAT(refusal(whole.substr(0, size)), HasSubstr("evil.npz")) << size;
}

TEST(NpzHostile, EveryFlippedBitOfTheContentIsRefused) {
  std::string whole = zip_of({{"a.npy", one}});
  for (size_t at = 35; at < 35 + one.size(); ++at) {  // 30 bytes of local header, 5 of name
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 16);
    EXPECT_THAT(refusal(changed), HasSubstr("evil.npz, array 'a': ")) << at;
  }
}

TEST(NpzHostile, DuplicateNames) {
  EXPECT_THAT(refusal(zip_of({{"a.npy", one}, {"a.npy", one}})), HasSubstr("holds two arrays called 'a'"));
}

TEST(NpzHostile, OtherContents) {
  EXPECT_THAT(refusal(zip_of({{"readme.txt", "hello"}})), HasSubstr("holds 'readme.txt', which is no .npy array"));
  EXPECT_THAT(refusal(zip_of({{"a.npy", "hello you"}})), HasSubstr("evil.npz, array 'a': is no .npy array"));
  EXPECT_THAT(refusal("not a zip at all"), HasSubstr("is no readable .npz archive"));
  EXPECT_THAT(refusal(zip_of({{"a.npy", one, 12}})), HasSubstr("array 'a' is packed with method 12"));
}

TEST(NpzHostile, DeclaredSizes) {
  // A bomb by declaration: 4 GB out of a hundred bytes.
  ZipEntry bomb{"a.npy", one, 8};
  bomb.declared_unpacked = 0xFFFFFFF0;
  EXPECT_THAT(refusal(zip_of({bomb})), HasSubstr("declares 4294967280 bytes packed into 136, which cannot be"));
  ZipEntry stored{"a.npy", one};
  stored.declared_unpacked = 1000;
  EXPECT_THAT(refusal(zip_of({stored})), HasSubstr("which cannot be"));
  ZipEntry outside{"a.npy", one, 8};
  outside.declared_packed = 100000;
  EXPECT_THAT(refusal(zip_of({outside})), HasSubstr("does not fit in the file"));
  ZipEntry damaged{"a.npy", one};
  damaged.declared_crc = 1;
  EXPECT_THAT(refusal(zip_of({damaged})), HasSubstr("evil.npz, array 'a': cannot be unpacked"));
}

TEST(NpzHostile, OverlappingEntries) {
  // Two directory entries that share one local header: the trick of bombs that unpack the same bytes many times.
  ZipEntry first{"a.npy", one}, second{"b.npy", one};
  second.offset = 0;
  std::vector<ZipEntry> entries{first};
  for (char c = 'b'; c < 'h'; ++c) {
    second.name = std::string(1, c) + ".npy";
    entries.push_back(second);
  }
  EXPECT_THAT(refusal(zip_of(entries)), HasSubstr("overlaps other arrays"));
}

TEST(NpzHostile, ExplicitLimits) {
  std::string archive = zip_of({{"a.npy", one}, {"b.npy", one}});
  EXPECT_THAT(refusal(archive, {.total_bytes = one.size() * 2 - 1}), HasSubstr("more than the limit of 271 bytes"));
  EXPECT_THAT(refusal(archive, {.arrays = 1}), HasSubstr("declares 2 arrays; at most 1 are accepted"));
}

}  // namespace
}  // namespace shoal::io
