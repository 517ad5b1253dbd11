// sigmoid: 1 / (1 + exp(-x)), as PyTorch's nn.Sigmoid.
#include "compiler/ops/activations/logistic.h"
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Sigmoid {
  static constexpr Doc doc{"sigmoid", "Squashes numbers to (0, 1)."};
  static constexpr std::tuple<> fields{};

  Value expand(Scope&, Value x) const { return logistic(x); }

  static Samples<Sigmoid> samples() { return {{{}, {{6}}}}; }
};

}  // namespace

SHOAL_DEFINE_ACTIVATION(Sigmoid)

}  // namespace shoal
