// Changing one value of a document by a dotted path: what `--set` does.
#pragma once

#include <string_view>

#include "frontend/json/json.h"

namespace shoal::json {

// As shoal::apply_override, on a document that has been read.
void apply_override(Json& document, std::string_view assignment);

}  // namespace shoal::json
