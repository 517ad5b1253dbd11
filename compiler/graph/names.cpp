// Names of nodes: identifiers.
#include "compiler/graph/names.h"

#include <algorithm>

namespace shoal {

bool is_identifier(std::string_view name) {
  return !name.empty() && is_name_start(name[0]) && std::ranges::all_of(name, is_name_char);
}

}  // namespace shoal
