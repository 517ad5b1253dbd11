// Writes frontend/dsl/ops.h: one C++ function and one struct of fields for every op of the registry.
#pragma once

#include <string>

namespace shoal {

std::string dsl_header();

}  // namespace shoal
