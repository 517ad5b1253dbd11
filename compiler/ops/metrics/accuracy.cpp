// accuracy: how often the most likely class is the label, or a logit has the right sign.
#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct Accuracy {
  static constexpr Doc doc{"accuracy", "Share of right answers: the largest logit's class, or each logit's sign."};
  static constexpr std::tuple<> fields{};

  Value expand(Scope& s, Value prediction, Value target, TargetKind kind) const {
    switch (kind) {
      case TargetKind::label: {
        const Shape in = prediction.shape();
        if (in.size() != 1) refuse_shape("logits of shape [classes]", in);
        // The first of equal maxima; where all is NaN there is none, and the index equals no label.
        const Value is_largest = equal(prediction, reduce(Reduction::max, prediction));
        const Value candidate = select(is_largest, cast(s.index(in, 0), DType::f32), static_cast<double>(in[0]));
        return cast(equal(reduce(Reduction::min, candidate), cast(target, DType::f32)), DType::f32);
      }
      case TargetKind::same_shape: {
        const Value says_yes = cast(s.constant(0) < prediction, DType::f32);
        const Value is_yes = cast(s.constant(0.5) < target, DType::f32);
        return mean_units(cast(equal(says_yes, is_yes), DType::f32));
      }
    }
    return prediction;
  }

  static Samples<Accuracy> samples() { return {{{}, {{4}}}}; }
};

}  // namespace

SHOAL_DEFINE_METRIC(Accuracy)

}  // namespace shoal
