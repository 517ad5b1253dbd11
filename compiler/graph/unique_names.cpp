// Names that no other node of a graph has.
#include "compiler/graph/unique_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/graph/names.h"

namespace shoal {

void UniqueNames::look_at_new_nodes(const Graph& graph) {
  for (; seen_ < graph.nodes.size(); ++seen_) {
    const Node& node = graph[seen_];
    if (!node.name.empty()) nodes_.insert(node.name);
    if (node.prim == Prim::input) inputs_.insert(node.attrs.name);
  }
}

bool UniqueNames::has_input(const Graph& graph, const std::string& name) {
  look_at_new_nodes(graph);
  return inputs_.contains(name);
}

std::string UniqueNames::make(const Graph& graph, std::string_view wanted) {
  look_at_new_nodes(graph);
  std::string base(wanted);
  std::ranges::replace_if(base, [](char c) { return !is_name_char(c); }, '_');
  if (base.empty() || !is_name_start(base[0])) base.insert(base.begin(), '_');
  std::string name = base;
  for (int suffix = 2; !nodes_.insert(name).second; ++suffix) name = fmt::format("{}_{}", base, suffix);
  return name;
}

}  // namespace shoal
