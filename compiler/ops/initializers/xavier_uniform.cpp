// xavier_uniform: keeps variances alike forwards and backwards (Glorot and Bengio 2010; PyTorch's
// nn.init.xavier_uniform_).
#include <cmath>

#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct XavierUniform {
  double gain = 1;

  static constexpr Doc doc{"xavier_uniform", "Uniform with bound gain * sqrt(6 / (fan_in + fan_out))."};
  static constexpr auto fields = std::tuple{Field{"gain", &XavierUniform::gain, "factor of the bound", positive}};

  Distribution distribution(int64_t fan_in, int64_t fan_out) const {
    const double bound = gain * std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
    return {Distribution::Kind::uniform, -bound, bound};
  }

  static Samples<XavierUniform> samples() { return {{{}, {}}}; }
};

}  // namespace

SHOAL_DEFINE_INITIALIZER(XavierUniform)

}  // namespace shoal
