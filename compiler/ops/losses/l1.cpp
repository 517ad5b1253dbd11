// l1: the mean of absolute differences, as PyTorch's nn.L1Loss.
#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct L1 {
  static constexpr Doc doc{"l1", "Mean of the absolute differences."};
  static constexpr std::tuple<> fields{};
  static constexpr TargetKind target = TargetKind::same_shape;

  Value expand(Scope&, const Hyper&, Value prediction, Value wanted) const {
    return mean_units(abs(prediction - wanted));
  }

  static Samples<L1> samples() { return {{{}, {{4}}}}; }
};

}  // namespace

SHOAL_DEFINE_LOSS(L1)

}  // namespace shoal
