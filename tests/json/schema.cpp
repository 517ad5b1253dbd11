// The JSON Schema against Python's jsonschema: examples and printed specs fit it, bad specs do not.
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

#include "compiler/support/error.h"
#include "frontend/json/reference.h"
#include "tests/harness/source_directory.h"
#include "tests/json/cases.h"

namespace shoal {

namespace {

// A name of its own: other runs of the tests may be under way.
std::filesystem::path write_temporary(const std::string& name, const std::string& text) {
  std::filesystem::path path =
      std::filesystem::path(::testing::TempDir()) / (name + std::to_string(getpid()) + ".json");
  std::ofstream(path) << text;
  return path;
}

}  // namespace

TEST(Schema, AcceptsGoodAndRefusesBadSpecs) {
  json::Json good = json::Json::list(), bad = json::Json::list();
  for (const char* name : {"examples/digits.json", "examples/xor.json"}) {
    const std::string text = testing_json::file_text(name);
    good.items.push_back(json::parse(text, name));
    good.items.push_back(json::parse(to_json(read_spec(text)), name));
  }
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::layer && info.kind != OpKind::activation) continue;
    for (const OpSample& sample : info.samples()) {
      json::Json layer = json::parse(sample.op->text(), info.name);
      if (info.many_inputs) layer.set("input", json::Json::list({"a", "b"}));
      json::Json network = json::Json::object({{"input", 3}, {"layers", json::Json::list({layer})}});
      good.items.push_back(json::Json::object({{"shoal", 1}, {"network", network}}));
    }
  }
  for (const auto& bad_spec : testing_json::bad_specs()) {
    if (bad_spec.schema_refuses) bad.items.push_back(json::parse(bad_spec.text, "bad"));
  }
  ASSERT_GE(bad.items.size(), 25u);

  const auto schema_file = write_temporary("schema", spec_schema());
  const auto good_file = write_temporary("good", json::print(good));
  const auto bad_file = write_temporary("bad", json::print(bad));
  const std::string command = "python3 '" + harness::source_directory() + "/tests/json/check_schema.py' '" +
                              schema_file.string() + "' '" + good_file.string() + "' '" + bad_file.string() + "'";
  const int status = std::system(command.c_str());
  for (const auto& path : {schema_file, good_file, bad_file}) std::filesystem::remove(path);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127) GTEST_SKIP() << "needs python3 with jsonschema";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace shoal
