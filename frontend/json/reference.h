// What is generated from the registry of ops and the tables of sections: the JSON Schema and the reference pages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace shoal {

// JSON Schema (draft 2020-12) of a spec.
std::string spec_schema();

// Markdown about every op of this name. Throws SpecError, with near names, when there is none.
std::string doc(std::string_view op);

struct GeneratedFile {
  std::string path;  // from the root of the source tree
  std::string text;
};
// docs/reference: a page for each kind of op, one for the sections, and the schema.
std::vector<GeneratedFile> reference_files();

}  // namespace shoal
