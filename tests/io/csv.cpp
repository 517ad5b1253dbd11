// CSV: the shapes in which tables come, what is refused and where, and round trips of what training writes.
#include "runtime/io/csv.h"

#include <gmock/gmock.h>

#include "tests/io/temporary_folder.h"

namespace shoal::io {
namespace {

using namespace shoal::test;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> all_numbers(const CsvTable& table) { return to_float(numbers(table, other_columns(table, {})), ""); }

TEST(Csv, DelimitersAndLineEnds) {
  for (const char* text : {"1,2\n3,4\n", "1;2\r\n3;4", "1\t2\n\n3\t4\n\n", "\xEF\xBB\xBF 1 , +2.0e0\n3,4"}) {
    CsvTable table = parse_csv(text, "t.csv");
    EXPECT_EQ(table.rows(), 2) << text;
    EXPECT_TRUE(table.header.empty());
    EXPECT_THAT(all_numbers(table), ElementsAre(1, 2, 3, 4)) << text;
  }
}

TEST(Csv, HeaderIsARowWithoutNumbers) {
  EXPECT_THAT(parse_csv("a,b\n1,2\n", "").header, ElementsAre("a", "b"));
  EXPECT_TRUE(parse_csv("5.1,setosa\n4.9,setosa\n", "").header.empty());
  EXPECT_THAT(parse_csv("1,2\n3,4\n", "", {.header = CsvOptions::Header::present}).header, ElementsAre("1", "2"));
  EXPECT_EQ(parse_csv("a,b\nc,d\n", "", {.header = CsvOptions::Header::absent}).rows(), 2);
}

TEST(Csv, QuotedFields) {
  CsvTable table = parse_csv("\"a, b\",\"say \"\"hi\"\"\"\n1,\"2\nlines\"\n3,x\n", "t.csv");
  EXPECT_THAT(table.header, ElementsAre("a, b", "say \"hi\""));
  EXPECT_EQ(table.cell(0, 1), "2\nlines");
  EXPECT_EQ(table.line(0), 2);
  EXPECT_EQ(table.line(1), 4) << "a quoted line feed counts";
}

TEST(Csv, Selection) {
  CsvTable table = parse_csv("id,w,h,kind\n1,2,3,x\n", "t.csv");
  EXPECT_THAT(select_columns(table, {"kind", "0"}), ElementsAre(3, 0));
  EXPECT_THAT(select_columns(table, {"-1"}), ElementsAre(3));
  EXPECT_THAT(select_columns(table, {"1:-1"}), ElementsAre(1, 2));
  EXPECT_THAT(select_columns(table, {":2"}), ElementsAre(0, 1));
  EXPECT_THAT(other_columns(table, {0, 3}), ElementsAre(1, 2));
  EXPECT_EQ(message_of([&] { select_columns(table, {"width"}); }),
            "t.csv: has no column 'width'; it has id, w, h, kind");
  EXPECT_EQ(message_of([&] { select_columns(table, {"4"}); }),
            "t.csv: has no column 4; it has 4 columns, numbered from 0");
  EXPECT_THAT(message_of([&] { select_columns(table, {"3:1"}); }), HasSubstr("has no column '3:1'"));
}

TEST(Csv, BadValuesNameLineAndColumn) {
  auto message = [](const char* text) { return message_of([&] { all_numbers(parse_csv(text, "t.csv")); }); };
  EXPECT_EQ(message("a,b\n1,2\n3,\n"),
            "t.csv, line 3, column 2 ('b'): the value is missing (''); fill it in or drop the row");
  EXPECT_THAT(message("1,2\n3,NaN\n"), HasSubstr("t.csv, line 2, column 2: the value is missing ('NaN')"));
  EXPECT_THAT(message("1,2\n\n3,4x\n"), HasSubstr("t.csv, line 3, column 2: expected a number, got '4x'"));
  EXPECT_THAT(message("1,2\n3,1e39\n"), HasSubstr("expected a finite number within the range of float32, got '1e39'"));
  EXPECT_THAT(message("1,2\n3,1e999\n"), HasSubstr("expected a finite number"));
  EXPECT_THAT(message("1,2\n3,inf\n"), HasSubstr("expected a finite number"));
  EXPECT_THAT(message("1,2\n3\n"), HasSubstr("line 2 has 1 cells; the first line has 2"));
  EXPECT_THAT(message("1,\"2\n3,4\n"), HasSubstr("the quote in the row of line 1 is never closed"));
  EXPECT_THAT(message("1,\"2\"3\n"), HasSubstr("line 1 has text after a closing quote"));
  EXPECT_THAT(message("a,a\n1,2\n"), HasSubstr("two columns are called 'a'"));
  EXPECT_THAT(message("a,b\n"), HasSubstr("holds no rows of data"));
  EXPECT_THAT(message(""), HasSubstr("holds no rows of data"));
  EXPECT_THAT(all_numbers(parse_csv("1e-999,0\n", "")), ElementsAre(0, 0));
}

TEST(Csv, Labels) {
  Labels words = labels(parse_csv("1,dog\n2,cat\n3,dog\n4,ant\n", ""), 1);
  EXPECT_THAT(words.classes, ElementsAre("ant", "cat", "dog"));
  EXPECT_THAT(words.values, ElementsAre(2, 1, 2, 0));
  Labels whole = labels(parse_csv("1,7\n2,-3\n3,7.0\n", ""), 1);
  EXPECT_TRUE(whole.classes.empty());
  EXPECT_THAT(whole.values, ElementsAre(7, -3, 7));
  EXPECT_THAT(labels(parse_csv("0,1.5\n0,0.5\n", ""), 1).values, ElementsAre(1, 0));
  EXPECT_THAT(message_of([] { labels(parse_csv("1,a\n2,?\n", "t.csv"), 1); }),
              HasSubstr("line 2, column 2: the label is missing"));
}

TEST(Csv, ZeroBytesAndSizes) {
  EXPECT_THAT(message_of([] { parse_csv(std::string("1,2\0\n", 5), "t.csv"); }), HasSubstr("holds a zero byte"));
  TemporaryFolder folder;
  put_file(folder / "t.csv", "1,2\n3,4\n");
  EXPECT_EQ(read_csv(folder / "t.csv").rows(), 2);
  EXPECT_THAT(message_of([&] { read_csv(folder / "t.csv", {.limit = 7}); }),
              HasSubstr("has 8 bytes; at most 7 are accepted"));
}

TEST(Csv, WritesWhatItReads) {
  TemporaryFolder folder;
  write_csv(folder / "h.csv", {"step", "loss", "note, quoted"},
            {{int64_t{1}, 0.1f, std::string("a \"b\"")}, {int64_t{2}, 1.0 / 3, std::string("c,d")}});
  EXPECT_EQ(get_file(folder / "h.csv"),
            "step,loss,\"note, quoted\"\n1,0.1,\"a \"\"b\"\"\"\n2,0.3333333333333333,\"c,d\"\n");
  CsvTable table = read_csv(folder / "h.csv");
  EXPECT_EQ(table.header[2], "note, quoted");
  EXPECT_EQ(table.cell(0, 2), "a \"b\"");
  EXPECT_EQ(to_float(numbers(table, {1}), "")[0], 0.1f);
}

}  // namespace
}  // namespace shoal::io
