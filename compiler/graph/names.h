// Names of nodes: identifiers.
#pragma once

#include <string_view>

namespace shoal {

// Whether `name` is [A-Za-z_][A-Za-z0-9_.]*: what the text of a graph can hold without quotes.
bool is_identifier(std::string_view name);

constexpr bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_name_char(char c) { return is_name_start(c) || (c >= '0' && c <= '9') || c == '.'; }

}  // namespace shoal
