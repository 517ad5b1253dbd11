// Names that no other node of a graph has.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "compiler/graph/graph.h"

namespace shoal {

// The names in a graph that grows: each node is looked at once, so that whoever names one later asks for it here.
class UniqueNames {
 public:
  bool has_input(const Graph&, const std::string& name);
  // `wanted` made an identifier ("0.weight" -> "_0.weight") and, with a suffix "_2", "_3" ..., one that no node has.
  std::string make(const Graph&, std::string_view wanted);

 private:
  void look_at_new_nodes(const Graph&);

  NodeId seen_ = 0;
  std::unordered_set<std::string> nodes_, inputs_;
};

}  // namespace shoal
