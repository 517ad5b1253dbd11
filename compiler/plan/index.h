// Arithmetic on indices.
#pragma once

#include <algorithm>
#include <vector>

#include "compiler/plan/nest.h"

namespace shoal::plan {

inline Index scaled(Index index, int64_t factor) {
  for (Term& term : index.terms) term.factor *= factor;
  index.offset *= factor;
  return index;
}

inline Index sum(Index a, const Index& b) {
  for (const Term& term : b.terms) {
    const auto same = std::ranges::find(a.terms, term.axis, &Term::axis);
    if (same == a.terms.end())
      a.terms.push_back(term);
    else
      same->factor += term.factor;
  }
  std::erase_if(a.terms, [](const Term& t) { return t.factor == 0; });
  a.offset += b.offset;
  return a;
}

inline Index shifted(Index index, int64_t by) {
  index.offset += by;
  return index;
}

// The index in which each axis is an index over other axes; the time of a loop stays.
inline Index substituted(const Index& index, const std::vector<Index>& by_axis) {
  Index result{{}, index.offset};
  for (const Term& term : index.terms)
    result = sum(result, scaled(term.axis == time_axis ? Index{{{time_axis, 1}}, 0} : by_axis[term.axis], term.factor));
  return result;
}

}  // namespace shoal::plan
