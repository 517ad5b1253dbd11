// The .npy reader against files that numpy wrote (tests/reference/make_npy_cases.py), and the writer against the
// reader.
#include <gmock/gmock.h>

#include <cstring>

#include "runtime/io/npy.h"
#include "tests/harness/source_directory.h"
#include "tests/io/temporary_folder.h"

namespace shoal::io {
namespace {

using namespace shoal::test;
using testing::ElementsAre;
using testing::HasSubstr;

std::filesystem::path case_file(const std::string& name) {
  return std::filesystem::path(harness::source_directory()) / "tests/io/cases" / name;
}

const std::vector<float> expected_floats{-1, -0.5f, 0, 0.5f, 1, 1.5f};
const std::vector<int64_t> two_by_three{2, 3};

TEST(NpyRead, FloatsOfEveryVersionAndOrder) {
  for (const char* name : {"f4.npy", "f8.npy", "version2.npy", "version3.npy", "fortran.npy"}) {
    Tensor tensor = read_npy(case_file(name));
    EXPECT_EQ(tensor.shape, two_by_three) << name;
    EXPECT_EQ(tensor.type, std::string(name) == "f8.npy" ? ElementType::f64 : ElementType::f32) << name;
    EXPECT_EQ(to_float(tensor, name, NonFinite::refuse), expected_floats) << name;
  }
}

TEST(NpyRead, Integers) {
  for (auto [name, type] : {std::pair{"i1.npy", ElementType::i8}, std::pair{"i2.npy", ElementType::i16},
                            std::pair{"i4.npy", ElementType::i32}, std::pair{"i8.npy", ElementType::i64}}) {
    Tensor tensor = read_npy(case_file(name));
    EXPECT_EQ(tensor.type, type) << name;
    EXPECT_THAT(to_int32(tensor, name), ElementsAre(-3, -2, -1, 0, 1, 2)) << name;
    EXPECT_THAT(to_float(tensor, name), ElementsAre(-3, -2, -1, 0, 1, 2)) << name;
  }
  EXPECT_THAT(to_int32(read_npy(case_file("u1.npy")), ""), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(to_int32(read_npy(case_file("bool.npy")), ""), ElementsAre(0, 1, 0, 1, 0, 1));
}

TEST(NpyRead, FortranOrderOfThreeDimensions) {
  Tensor tensor = read_npy(case_file("fortran3d.npy"));
  EXPECT_THAT(tensor.shape, ElementsAre(2, 3, 4));
  std::vector<int32_t> values = to_int32(tensor, "");
  for (int32_t i = 0; i < 24; ++i) EXPECT_EQ(values[static_cast<size_t>(i)], i);
}

TEST(NpyRead, ScalarAndEmpty) {
  Tensor scalar = read_npy(case_file("scalar.npy"));
  EXPECT_TRUE(scalar.shape.empty());
  EXPECT_THAT(to_float(scalar, ""), ElementsAre(2.5f));
  Tensor empty = read_npy(case_file("empty.npy"));
  EXPECT_THAT(empty.shape, ElementsAre(0, 3));
  EXPECT_TRUE(empty.bytes.empty());
}

TEST(NpyRead, UnsupportedTypesSayWhatToDo) {
  EXPECT_THAT(
      message_of([] { read_npy(case_file("big_endian.npy")); }),
      HasSubstr("big_endian.npy: the element type '>f4' is not supported (only bool, i1, u1, i2, i4, i8, f4 and f8, "
                "little-endian); save it as float32 or int32, e.g. array.astype('<f4')"));
  EXPECT_THAT(message_of([] { read_npy(case_file("u4.npy")); }), HasSubstr("the element type '<u4' is not supported"));
  EXPECT_THAT(message_of([] { read_npy(case_file("structured.npy")); }), HasSubstr("records (structured arrays)"));
}

TEST(NpyRead, MissingFileAndFolder) {
  EXPECT_THAT(message_of<RuntimeError>([] { read_npy("/nowhere/x.npy"); }),
              HasSubstr("/nowhere/x.npy: cannot be opened"));
  EXPECT_THAT(message_of<RuntimeError>([] { read_npy(std::filesystem::path("/tmp")); }),
              HasSubstr("not a regular file"));
}

// numpy's own bytes for the same array, so that the writer is tested against numpy and not against our reader.
TEST(NpyWrite, SameBytesAsNumpy) {
  TemporaryFolder folder;
  write_npy(folder / "a.npy", make_tensor({2, 3}, std::span<const float>(expected_floats)));
  EXPECT_EQ(get_file(folder / "a.npy"), get_file(case_file("f4.npy")));
  std::vector<int32_t> integers{-3, -2, -1, 0, 1, 2};
  write_npy(folder / "b.npy", make_tensor({2, 3}, std::span<const int32_t>(integers)));
  EXPECT_EQ(get_file(folder / "b.npy"), get_file(case_file("i4.npy")));
  std::vector<float> one{2.5f};
  write_npy(folder / "c.npy", make_tensor({}, std::span<const float>(one)));
  EXPECT_EQ(get_file(folder / "c.npy"), get_file(case_file("scalar.npy")));
}

TEST(NpyWrite, RoundTripOfEveryRank) {
  TemporaryFolder folder;
  std::vector<int64_t> shape;
  std::vector<int32_t> values{0};
  for (int64_t rank = 0; rank <= 5; ++rank) {
    Tensor written = make_tensor(shape, std::span<const int32_t>(values));
    write_npy(folder / "r.npy", written);
    Tensor read = read_npy(folder / "r.npy");
    EXPECT_EQ(read.shape, written.shape);
    EXPECT_EQ(read.bytes, written.bytes);
    shape.push_back(rank + 1);
    values.resize(static_cast<size_t>(Tensor{ElementType::i32, shape, {}}.elements()), static_cast<int32_t>(rank));
  }
  EXPECT_EQ(files_in(folder.path()), 1u) << "temporary files stayed behind";
}

TEST(TensorConversion, NamesThePositionOfWhatDoesNotFit) {
  std::vector<float> floats{0, 1, 2, 3, std::nanf(""), 5};
  Tensor tensor = make_tensor({2, 3}, std::span<const float>(floats));
  EXPECT_NO_THROW(to_float(tensor, "x"));
  EXPECT_THAT(message_of([&] { to_float(tensor, "x", NonFinite::refuse); }),
              HasSubstr("x: expected finite numbers within the range of float32, got nan at [1, 1]"));
  Tensor big{ElementType::f64, {1}, std::vector<std::byte>(8)};
  double huge = 1e300;
  std::memcpy(big.bytes.data(), &huge, 8);
  EXPECT_THAT(message_of([&] { to_float(big, "x", NonFinite::refuse); }), HasSubstr("got 1e+300 at [0]"));
  Tensor label{ElementType::i64, {1}, std::vector<std::byte>(8)};
  int64_t outside = int64_t{1} << 31;
  std::memcpy(label.bytes.data(), &outside, 8);
  EXPECT_THAT(message_of([&] { to_int32(label, "y"); }),
              HasSubstr("y: expected whole numbers that fit in 32 bits, got 2147483648 at [0]"));
  std::vector<float> half{1, 2, 2.5f};
  EXPECT_THAT(message_of([&] { to_int32(make_tensor({3}, std::span<const float>(half)), "y"); }),
              HasSubstr("got 2.5 at [2]"));
}

}  // namespace
}  // namespace shoal::io
