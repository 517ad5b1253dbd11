// Every spec of tests/cases/specs/bad.json is refused with exactly the message that stands beside it.
#include "compiler/support/error.h"
#include "tests/json/cases.h"

namespace shoal {

TEST(BadSpecs, MessagesAreExact) {
  const auto cases = testing_json::bad_specs();
  ASSERT_GE(cases.size(), 45u);
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto& bad = cases[i];
    SCOPED_TRACE("case " + std::to_string(i) + ": " + bad.text);
    try {
      read_spec(bad.text);
      ADD_FAILURE() << "was read; expected: " << bad.error;
    } catch (const SpecError& error) {
      EXPECT_EQ(error.what(), bad.error);
    }
  }
}

TEST(BadSpecs, TheBaseItselfIsGood) {
  const json::Json file = json::parse(testing_json::file_text("tests/cases/specs/bad.json"), "bad.json");
  EXPECT_NO_THROW(read_spec(json::print(*file.find("base"))));
}

TEST(BadSpecs, NestingSizeAndNumberOfValuesAreBounded) {
  EXPECT_NO_THROW(json::parse(std::string(64, '[') + std::string(64, ']'), "deep"));
  EXPECT_THROW(json::parse(std::string(65, '[') + std::string(65, ']'), "deep"), SpecError);
  EXPECT_THROW(json::parse(std::string(1'000'000, '['), "deep"), SpecError);
  EXPECT_THROW(json::parse(std::string((size_t{16} << 20) + 1, ' '), "large"), SpecError);
  EXPECT_NO_THROW(json::parse("[1,1,1]", "few", {.values = 4}));
  EXPECT_THROW(json::parse("[1,1,1,1]", "few", {.values = 4}), SpecError);
}

TEST(BadSpecs, SyntaxErrorsNameLineAndColumn) {
  try {
    read_spec("{\n  \"shoal\": 1,\n  oops\n}", "net.json");
    FAIL();
  } catch (const SpecError& error) {
    EXPECT_EQ(error.place, "net.json:3:3");
  }
}

}  // namespace shoal
