// Small helpers that several ops share: reductions over the last dimensions that keep their rank, and shape errors.
#pragma once

#include <numeric>

#include "compiler/graph/scope.h"
#include "compiler/support/error.h"

namespace shoal {

// The last `count` dimensions of a value of this rank.
inline std::vector<int64_t> last_dims(const Value& x, int64_t count) {
  std::vector<int64_t> dims(static_cast<size_t>(count));
  std::iota(dims.begin(), dims.end(), static_cast<int64_t>(x.shape().size()) - count);
  return dims;
}

// Reduces the last `count` dimensions to extent 1, so that the result broadcasts against x.
inline Value reduce_last(Reduction reduction, Value x, int64_t count) {
  Shape kept = x.shape();
  for (const int64_t dim : last_dims(x, count)) kept[static_cast<size_t>(dim)] = 1;
  return reshape(reduce(reduction, x, last_dims(x, count)), kept);
}

// Mean over all unit dimensions: rank 0.
inline Value mean_units(Value x) {
  if (x.shape().empty()) return x;
  const auto count = static_cast<double>(element_count(x.shape()));
  return reduce(Reduction::sum, x) * (1.0 / count);
}

[[noreturn]] inline void refuse_shape(const char* expected, const Shape& got) {
  throw SpecError("layer", fmt::format("expected {}, got shape {}", expected, shape_text(got)));
}

}  // namespace shoal
