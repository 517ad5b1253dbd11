// How the lanes of a nest walk through a value: along its samples, along its last dimension, or otherwise.
#pragma once

#include <cstdint>

#include "compiler/plan/plan.h"

namespace shoal::plan {

enum class Along : uint8_t { neither, samples, units };

inline Along walk(const Nest& nest, const Binding& binding, const Access& access) {
  for (size_t a = 0; a < nest.axes.size(); ++a) {
    if (binding.axes[a].lane_count == 1) continue;
    if (nest.axes[a].sample) return Along::samples;
    if (access.dims.empty()) continue;
    for (const Term& term : access.dims.back().terms)
      if (term.axis == static_cast<int32_t>(a) && term.factor == 1) return Along::units;
  }
  return Along::neither;
}

}  // namespace shoal::plan
