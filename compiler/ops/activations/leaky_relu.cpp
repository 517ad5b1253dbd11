// leaky_relu: x above 0, negative_slope * x below, as PyTorch's nn.LeakyReLU.
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct LeakyRelu {
  double negative_slope = 0.01;

  static constexpr Doc doc{"leaky_relu", "Negative numbers are scaled down."};
  static constexpr auto fields =
      std::tuple{Field{"negative_slope", &LeakyRelu::negative_slope, "factor of negative numbers", non_negative}};

  Value expand(Scope&, Value x) const { return select(x <= x.scope->constant(0), negative_slope * x, x); }

  static Samples<LeakyRelu> samples() { return {{{}, {{6}}}, {{.negative_slope = 0.2}, {{2, 3}}}}; }
};

}  // namespace

SHOAL_DEFINE_ACTIVATION(LeakyRelu)

}  // namespace shoal
