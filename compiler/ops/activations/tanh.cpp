// tanh: the hyperbolic tangent.
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Tanh {
  static constexpr Doc doc{"tanh", "Squashes numbers to (-1, 1)."};
  static constexpr std::tuple<> fields{};

  Value expand(Scope&, Value x) const { return shoal::tanh(x); }

  static Samples<Tanh> samples() { return {{{}, {{6}}}}; }
};

}  // namespace

SHOAL_DEFINE_ACTIVATION(Tanh)

}  // namespace shoal
