// The logistic function that several activations share.
#pragma once

#include "compiler/graph/scope.h"

namespace shoal {

// 1 / (1 + exp(-x)). The exponent is capped: beyond it exp would overflow, and the derivative would be inf / inf. The
// result there, 1.8e-35, is still a normal f32. In this order `min` lets a NaN through.
inline Value logistic(Value x) { return 1.0 / (1.0 + exp(min(x.scope->constant(80), -x))); }

}  // namespace shoal
