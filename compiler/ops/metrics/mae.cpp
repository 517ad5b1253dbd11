// mae: the mean absolute error.
#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct MeanAbsoluteError {
  static constexpr Doc doc{"mae", "Mean of the absolute differences."};
  static constexpr std::tuple<> fields{};

  Value expand(Scope&, Value prediction, Value target, TargetKind kind) const {
    if (kind == TargetKind::label) throw SpecError("metric", "mae needs targets of the prediction's shape, got labels");
    return mean_units(abs(prediction - target));
  }

  static Samples<MeanAbsoluteError> samples() { return {{{}, {{4}}}}; }
};

}  // namespace

SHOAL_DEFINE_METRIC(MeanAbsoluteError)

}  // namespace shoal
