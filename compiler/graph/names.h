// Names of nodes: identifiers, unique in their graph.
#pragma once

#include <string>
#include <string_view>

#include "compiler/graph/graph.h"

namespace shoal {

// Whether `name` is [A-Za-z_][A-Za-z0-9_.]*: what the text of a graph can hold without quotes.
bool is_identifier(std::string_view name);

// `wanted` made an identifier ("0.weight" -> "_0.weight") and, with a suffix "_2", "_3" ..., one that no node has.
std::string unique_name(const Graph&, std::string_view wanted);

}  // namespace shoal
