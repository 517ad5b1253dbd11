// cross_entropy: -log softmax(prediction)[label], as PyTorch's nn.CrossEntropyLoss.
#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct CrossEntropy {
  double label_smoothing = 0;

  static constexpr Doc doc{"cross_entropy", "Negative log-likelihood of a class label; the prediction holds logits."};
  static constexpr auto fields =
      std::tuple{Field{"label_smoothing", &CrossEntropy::label_smoothing,
                       "weight of the uniform distribution in the target", below_one.with_vary()}};
  static constexpr TargetKind target = TargetKind::label;

  Value expand(Scope& s, const Hyper& hyper, Value prediction, Value label) const {
    const Shape in = prediction.shape();
    if (in.size() != 1) refuse_shape("logits of shape [classes]", in);
    // Log-sum-exp without its largest term, against overflow; as a constant, for it cancels.
    const Value shifted = prediction - stop_gradient(reduce(Reduction::max, prediction));
    const Value log_sum = log(reduce(Reduction::sum, exp(shifted)));
    const Value picked = reduce(Reduction::sum, select(equal(s.index(in, 0), label), shifted, 0.0));
    const Value nll = log_sum - picked;
    if (hyper.is_zero("label_smoothing")) return nll;
    // Smoothing mixes in the mean over all classes.
    const Value smoothing = hyper("label_smoothing");
    return nll + smoothing * (picked - mean_units(shifted));
  }

  static Samples<CrossEntropy> samples() { return {{{}, {{5}}}, {{.label_smoothing = 0.1}, {{3}}}}; }
};

}  // namespace

SHOAL_DEFINE_LOSS(CrossEntropy)

}  // namespace shoal
