// binary_cross_entropy: of logits, as PyTorch's nn.BCEWithLogitsLoss.
#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct BinaryCrossEntropy {
  static constexpr Doc doc{"binary_cross_entropy",
                           "Negative log-likelihood of yes or no (1 or 0) for each unit; the prediction holds logits."};
  static constexpr std::tuple<> fields{};
  static constexpr TargetKind target = TargetKind::same_shape;

  Value expand(Scope&, const Hyper&, Value prediction, Value wanted) const {
    // (1 - t) x + log(1 + exp(-x)), with the larger exponent taken out as a constant: no overflow, exact derivative at
    // 0.
    const Value peak = stop_gradient(max(0.0, -prediction));
    return mean_units((1.0 - wanted) * prediction + peak + log(exp(-peak) + exp(-prediction - peak)));
  }

  static Samples<BinaryCrossEntropy> samples() { return {{{}, {{4}}}, {{}, {{1}}}}; }
};

}  // namespace

SHOAL_DEFINE_LOSS(BinaryCrossEntropy)

}  // namespace shoal
