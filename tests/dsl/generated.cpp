// The generated C++ forms are up to date.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "frontend/dsl/generate.h"
#include "tests/harness/source_directory.h"

namespace shoal {

TEST(GeneratedForms, CommittedHeaderIsUpToDate) {
  std::ifstream in(harness::source_directory() + "/frontend/dsl/ops.h", std::ios::binary);
  ASSERT_TRUE(in.good());
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(text.str() == dsl_header())
      << "frontend/dsl/ops.h is stale. Write it anew: ninja shoal_generate && tools/shoal_generate "
      << harness::source_directory();
}

}  // namespace shoal
