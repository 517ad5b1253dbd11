// shoal schema: the JSON Schema of specs.
#include <fmt/format.h>

#include "frontend/json/reference.h"
#include "tools/shoal/command.h"

namespace shoal::command {
namespace {

int schema(const Settings&) {
  const std::string text = spec_schema();
  fmt::print("{}{}", text, text.empty() || text.back() == '\n' ? "" : "\n");
  return exit_ok;
}

}  // namespace

void add_schema(CLI::App& app, Action& action) {
  app.add_subcommand("schema", "Prints the JSON Schema of specs")->callback([&action] { action = schema; });
}

}  // namespace shoal::command
