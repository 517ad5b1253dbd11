// Permissions: how much less exact a network allows a target to compute. A target may always compute more exactly.
#pragma once

#include "compiler/graph/precision.h"

namespace shoal {

struct Permissions {
  // The least accurate arithmetic that sums of products may be computed in. Targets that have no tensor cores, and
  // schedules that would be slower on them, compute in f32.
  Precision precision = Precision::f32;
  // Permits an exp whose relative error grows with its argument (compiler/lower/decompose.h);
  // a target to which that is no gain computes the accurate one.
  bool fast_math = false;
  bool operator==(const Permissions&) const = default;
};

}  // namespace shoal
