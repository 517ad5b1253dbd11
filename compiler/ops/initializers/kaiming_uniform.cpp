// kaiming_uniform: He et al. 2015, with PyTorch's nn.Linear default of a = sqrt(5), so that the bound is 1 /
// sqrt(fan_in).
#include <cmath>

#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct KaimingUniform {
  double a = 2.23606797749979;  // sqrt(5)

  static constexpr Doc doc{"kaiming_uniform", "Uniform with bound sqrt(6 / ((1 + a^2) * fan_in))."};
  static constexpr auto fields =
      std::tuple{Field{"a", &KaimingUniform::a, "negative slope of the activation that follows", non_negative}};

  Distribution distribution(int64_t fan_in, int64_t) const {
    const double bound = std::sqrt(6.0 / ((1 + a * a) * static_cast<double>(fan_in)));
    return {Distribution::Kind::uniform, -bound, bound};
  }

  static Samples<KaimingUniform> samples() { return {{{}, {}}, {{.a = 0}, {}}}; }
};

}  // namespace

SHOAL_DEFINE_INITIALIZER(KaimingUniform)

}  // namespace shoal
