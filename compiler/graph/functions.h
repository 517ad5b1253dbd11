// The functions of the formula language that are no primitives.
#pragma once

#include <string>
#include <vector>

#include "compiler/graph/graph.h"

namespace shoal {

std::vector<std::string> function_names();
bool is_function(const std::string& name);

// Appends the nodes of a call. Throws SpecError for a wrong number of arguments.
NodeId add_function(Graph&, const std::string& name, const std::vector<NodeId>& arguments);

}  // namespace shoal
