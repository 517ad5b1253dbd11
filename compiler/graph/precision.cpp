// The names of precisions.
#include "compiler/graph/precision.h"

#include <fmt/format.h>

#include "compiler/support/error.h"

namespace shoal {

std::string_view precision_name(Precision precision) {
  switch (precision) {
    case Precision::f32: return "f32";
    case Precision::f32x3: return "f32x3";
    case Precision::tf32: return "tf32";
    case Precision::bf16: return "bf16";
  }
  return "";
}

std::optional<Precision> find_precision(std::string_view name) {
  for (const Precision p : precisions)
    if (name == precision_name(p)) return p;
  return {};
}

Precision parse_precision(std::string_view text, std::string_view place) {
  if (const std::optional<Precision> found = find_precision(text)) return *found;
  throw SpecError(std::string(place), fmt::format("expected f32, f32x3, tf32 or bf16, got '{}'", text));
}

}  // namespace shoal
