// elu: x above 0, alpha * (exp(x) - 1) below (Clevert et al. 2015; PyTorch's nn.ELU).
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Elu {
  double alpha = 1;

  static constexpr Doc doc{"elu", "Negative numbers fade towards -alpha."};
  static constexpr auto fields =
      std::tuple{Field{"alpha", &Elu::alpha, "limit of large negative numbers, negated", positive}};

  Value expand(Scope&, Value x) const {
    // exp sees no positive number, so that no infinity meets the 0 of the branch not taken in the derivative.
    const Value below = x <= x.scope->constant(0);
    return select(below, alpha * (exp(select(below, x, 0.0)) - 1.0), x);
  }

  static Samples<Elu> samples() { return {{{}, {{6}}}, {{.alpha = 0.5}, {{2, 3}}}}; }
};

}  // namespace

SHOAL_DEFINE_ACTIVATION(Elu)

}  // namespace shoal
