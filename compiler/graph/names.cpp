// Names of nodes: identifiers, unique in their graph.
#include "compiler/graph/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace shoal {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_char(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '.'; }

}  // namespace

bool is_identifier(std::string_view name) {
  return !name.empty() && is_letter(name[0]) && std::ranges::all_of(name, is_name_char);
}

std::string unique_name(const Graph& graph, std::string_view wanted) {
  std::string base(wanted);
  std::ranges::replace_if(base, [](char c) { return !is_name_char(c); }, '_');
  if (base.empty() || !is_letter(base[0])) base.insert(base.begin(), '_');
  const auto taken = [&graph](const std::string& name) {
    return std::ranges::any_of(graph.nodes, [&name](const Node& node) { return node.name == name; });
  };
  std::string name = base;
  for (int suffix = 2; taken(name); ++suffix) name = fmt::format("{}_{}", base, suffix);
  return name;
}

}  // namespace shoal
