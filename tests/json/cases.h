// What the tests of the spec reader share: files of the source tree, and the cases of bad specs.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "frontend/json/json.h"
#include "frontend/json/spec.h"
#include "tests/harness/source_directory.h"

namespace shoal::testing_json {

inline std::string file_text(const std::string& path) {
  std::ifstream in(harness::source_directory() + "/" + path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// A case of tests/cases/specs/bad.json: a whole spec, or changes to the base, and the exact message.
struct BadSpec {
  std::string text;
  std::string error;
  bool schema_refuses = true;
};

inline std::vector<BadSpec> bad_specs() {
  const json::Json file = json::parse(file_text("tests/cases/specs/bad.json"), "bad.json");
  std::vector<BadSpec> cases;
  for (const json::Json& entry : file.find("cases")->items) {
    BadSpec bad;
    bad.error = entry.find("error")->text;
    if (const json::Json* text = entry.find("text")) {
      bad.text = text->text;
    } else {
      bad.text = json::print(*file.find("base"));
      for (const json::Json& change : entry.find("set")->items) bad.text = apply_override(bad.text, change.text);
    }
    if (const json::Json* refuses = entry.find("schema_refuses")) bad.schema_refuses = refuses->boolean;
    cases.push_back(bad);
  }
  return cases;
}

}  // namespace shoal::testing_json
