// What counts as a number, and what as a missing value, in a CSV cell.
#pragma once

#include <optional>
#include <string_view>

namespace shoal::io {

bool is_missing(std::string_view cell);                     // empty, NA, N/A, NaN, null, none, ? in any case
std::optional<double> parse_number(std::string_view cell);  // decimal with a point, the same in every locale

}  // namespace shoal::io
