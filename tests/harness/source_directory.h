// Where the repository stands: tests read their cases and figures from it.
#pragma once

#include <string>

namespace shoal::harness {

// Absolute, without a slash at the end.
std::string source_directory();

}  // namespace shoal::harness
