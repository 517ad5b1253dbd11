// mse: the mean of squared differences, as PyTorch's nn.MSELoss.
#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct Mse {
  static constexpr Doc doc{"mse", "Mean of the squared differences."};
  static constexpr std::tuple<> fields{};
  static constexpr TargetKind target = TargetKind::same_shape;

  Value expand(Scope&, const Hyper&, Value prediction, Value wanted) const {
    const Value difference = prediction - wanted;
    return mean_units(difference * difference);
  }

  static Samples<Mse> samples() { return {{{}, {{4}}}, {{}, {{2, 3}}}}; }
};

}  // namespace

SHOAL_DEFINE_LOSS(Mse)

}  // namespace shoal
