// The generated pages are up to date, and say what the registry says.
#include "frontend/json/reference.h"

#include "compiler/support/error.h"
#include "tests/harness/source_directory.h"
#include "tests/json/cases.h"

namespace shoal {

TEST(Reference, CommittedPagesAreUpToDate) {
  for (const auto& [path, text] : reference_files()) {
    EXPECT_TRUE(testing_json::file_text(path) == text)
        << path << " is stale. Write it anew: ninja shoal_generate && tools/shoal_generate "
        << harness::source_directory();
  }
}

TEST(Reference, EveryOpAndFieldHasItsPlace) {
  for (const OpInfo& info : all_ops()) {
    const std::string page = doc(info.name);
    EXPECT_NE(page.find(info.doc), std::string::npos) << info.name;
    for (const FieldInfo& field : info.fields) {
      EXPECT_NE(page.find("`" + field.name + "`"), std::string::npos) << info.name << "." << field.name;
    }
  }
}

TEST(Reference, UnknownOpsGetNearNames) {
  try {
    doc("dens");
    FAIL();
  } catch (const SpecError& error) {
    EXPECT_STREQ(error.what(), "doc: no op 'dens'; did you mean 'dense'?");
  }
}

}  // namespace shoal
