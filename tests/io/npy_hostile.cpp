// .npy files that lie: every one is refused with its message, and before memory is taken for what it declares.
#include <gmock/gmock.h>

#include "runtime/io/npy.h"
#include "tests/harness/source_directory.h"
#include "tests/io/temporary_folder.h"

namespace shoal::io {
namespace {

using namespace shoal::test;
using testing::HasSubstr;

std::string npy(const std::string& header, const std::string& elements, char major = 1) {
  std::string out = "\x93NUMPY";
  out += {major, 0, static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  if (major > 1) out += std::string(2, '\0');
  return out + header + elements;
}

std::string refusal(const std::string& file) {
  return message_of([&] { read_npy(std::as_bytes(std::span(file)), "evil.npy"); });
}

std::string header(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

TEST(NpyHostile, EveryTruncationIsRefused) {
  std::string whole = get_file(std::filesystem::path(harness::source_directory()) / "tests/io/cases/f4.npy");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(refusal(whole.substr(0, size)), HasSubstr("evil.npy: ")) << size;
  }
  EXPECT_THAT(refusal(whole + "x"), HasSubstr("which is 24 bytes, but 25 bytes follow"));
}

TEST(NpyHostile, EveryFlippedHeaderBitIsRefusedOrReadsSafely) {
  std::string whole = get_file(std::filesystem::path(harness::source_directory()) / "tests/io/cases/f4.npy");
  size_t refused = 0;
  for (size_t bit = 0; bit < 128 * 8; ++bit) {
    std::string changed = whole;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    try {
      Tensor tensor = read_npy(std::as_bytes(std::span(changed)), "evil.npy");
      EXPECT_EQ(tensor.bytes.size(), 24u);  // another type or shape of the same size: all that a checksum could tell
    } catch (const SpecError&) {
      ++refused;
    }
  }
  // The header has no checksum: <f4 may become <i4 and (2, 3) may become (3, 2)-like; all else must be refused.
  EXPECT_GT(refused, 1000u);
}

TEST(NpyHostile, Preamble) {
  EXPECT_THAT(refusal("PK\3\4 and so on"), HasSubstr("is no .npy array"));
  EXPECT_THAT(refusal(npy(header("<f4", "(1,)"), "abcd", 4)), HasSubstr("has .npy version 4.0"));
  std::string lie = "\x93NUMPY";
  lie += std::string("\x02\x00\xff\xff\xff\x7f", 6);
  EXPECT_THAT(refusal(lie + "{"), HasSubstr("declares an .npy header of 2147483647 bytes; at most 65536 are accepted"));
  lie = "\x93NUMPY";
  lie += std::string("\x01\x00\xff\x00", 4);
  EXPECT_THAT(refusal(lie + "{"), HasSubstr("declares an .npy header of 255 bytes and has 1 left"));
}

TEST(NpyHostile, Shapes) {
  EXPECT_THAT(refusal(npy(header("<f4", "(4611686018427387904, 4611686018427387904)"), "")),
              HasSubstr("more than 18 digits"));
  EXPECT_THAT(refusal(npy(header("<f4", "(400000000000000000, 400000000000000000)"), "")),
              HasSubstr("more elements than fit"));
  EXPECT_THAT(refusal(npy(header("<f4", "(0, 400000000000000000, 400000000000000000)"), "")),
              HasSubstr("more elements than fit"));
  EXPECT_THAT(refusal(npy(header("<f4", "(1000000000000,)"), "abcd")),
              HasSubstr("declares f32 of shape [1000000000000], which is 4000000000000 bytes, but 4 bytes follow"));
  EXPECT_THAT(refusal(npy(header("<f4", "(-1,)"), "")), HasSubstr("no non-negative whole number"));
  EXPECT_THAT(refusal(npy(header("<f4", "(1)"), "abcd")), HasSubstr("no comma"));
  EXPECT_THAT(refusal(npy(header("<f4", "(1 2)"), "abcdabcd")), HasSubstr("no comma"));
  std::string deep = "(";
  for (int i = 0; i < 33; ++i) deep += "1,";
  EXPECT_THAT(refusal(npy(header("<f4", deep + ")"), "abcd")), HasSubstr("more than 32 dimensions"));
}

TEST(NpyHostile, Types) {
  EXPECT_THAT(refusal(npy(header("|O", "(1,)"), "12345678")),
              HasSubstr("holds Python objects, which are never loaded"));
  EXPECT_THAT(refusal(npy(header("<f2", "(1,)"), "ab")), HasSubstr("the element type '<f2' is not supported"));
  EXPECT_THAT(refusal(npy(header("<U5\x01", "(1,)"), "ab")), HasSubstr("the element type '<U5?' is not supported"));
  EXPECT_THAT(refusal(npy(header("|b1", "(1,)"), "\x02")), HasSubstr("a byte other than 0 and 1"));
}

TEST(NpyHostile, Dictionaries) {
  for (const char* text :
       {"", "{", "{}", "{'descr'}", "{'descr': }", "{'descr': '<f4}", "{'descr': '<f4', 'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': 1, 'shape': ()}", "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'more': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ()} or __import__('os')",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, }"}) {
    EXPECT_THAT(refusal(npy(text, "abcd")), HasSubstr("evil.npy: the .npy header has")) << text;
  }
}

}  // namespace
}  // namespace shoal::io
