// shoal_generate ROOT: writes the files that follow from the ops (reference pages, JSON Schema, C++ forms) into a tree.
#include <fmt/core.h>

#include <exception>
#include <filesystem>
#include <fstream>

#include "frontend/dsl/generate.h"
#include "frontend/json/reference.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: shoal_generate ROOT\n");
    return 2;
  }
  try {
    std::vector<shoal::GeneratedFile> files = shoal::reference_files();
    files.push_back({"frontend/dsl/ops.h", shoal::dsl_header()});
    for (const auto& [path, text] : files) {
      const std::filesystem::path full = std::filesystem::path(argv[1]) / path;
      std::filesystem::create_directories(full.parent_path());
      std::ofstream out(full, std::ios::binary);
      out << text;
      out.close();
      if (!out) {
        fmt::print(stderr, "{}: could not be written\n", full.string());
        return 1;
      }
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
