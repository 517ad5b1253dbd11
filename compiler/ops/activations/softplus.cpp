// softplus: log(1 + exp(x)), as PyTorch's nn.Softplus with beta 1.
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Softplus {
  static constexpr Doc doc{"softplus", "A smooth form of relu."};
  static constexpr std::tuple<> fields{};

  Value expand(Scope&, Value x) const {
    // The larger of 0 and x is taken out of the logarithm; as a constant, so that the derivative at 0 is the exact 1/2.
    const Value peak = stop_gradient(max(0.0, x));
    return peak + log(exp(-peak) + exp(x - peak));
  }

  static Samples<Softplus> samples() { return {{{}, {{6}}}}; }
};

}  // namespace

SHOAL_DEFINE_ACTIVATION(Softplus)

}  // namespace shoal
