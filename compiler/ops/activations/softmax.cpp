// softmax: exp(x) / sum(exp(x)) over the last dimension, as PyTorch's nn.Softmax(-1).
#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct Softmax {
  static constexpr Doc doc{"softmax", "Turns the last dimension into probabilities."};
  static constexpr std::tuple<> fields{};

  Value expand(Scope&, Value x) const {
    if (x.shape().empty()) refuse_shape("at least one dimension", x.shape());
    // The largest number is taken off against overflow; it cancels, so it has no derivative.
    const Value e = exp(x - stop_gradient(reduce_last(Reduction::max, x, 1)));
    return e * (1.0 / reduce_last(Reduction::sum, e, 1));
  }

  static Samples<Softmax> samples() { return {{{}, {{6}}}, {{}, {{2, 3}}}}; }
};

}  // namespace

SHOAL_DEFINE_ACTIVATION(Softmax)

}  // namespace shoal
