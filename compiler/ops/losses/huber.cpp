// huber: squared below delta, linear above (Huber 1964; PyTorch's nn.HuberLoss).
#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct Huber {
  double delta = 1;

  static constexpr Doc doc{"huber", "Squared for small differences, linear for large ones."};
  static constexpr auto fields =
      std::tuple{Field{"delta", &Huber::delta, "where the loss becomes linear", positive.with_vary()}};
  static constexpr TargetKind target = TargetKind::same_shape;

  Value expand(Scope&, const Hyper& hyper, Value prediction, Value wanted) const {
    const Value delta_value = hyper("delta");
    const Value size = abs(prediction - wanted);
    return mean_units(select(size <= delta_value, 0.5 * size * size, delta_value * (size - 0.5 * delta_value)));
  }

  static Samples<Huber> samples() { return {{{}, {{4}}}, {{.delta = 0.3}, {{2, 3}}}}; }
};

}  // namespace

SHOAL_DEFINE_LOSS(Huber)

}  // namespace shoal
