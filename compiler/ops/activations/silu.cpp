// silu: x * sigmoid(x), also called swish (Elfwing et al. 2017; PyTorch's nn.SiLU).
#include "compiler/ops/activations/logistic.h"
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Silu {
  static constexpr Doc doc{"silu", "Each number times its sigmoid."};
  static constexpr std::tuple<> fields{};

  Value expand(Scope&, Value x) const { return x * logistic(x); }

  static Samples<Silu> samples() { return {{{}, {{6}}}}; }
};

}  // namespace

SHOAL_DEFINE_ACTIVATION(Silu)

}  // namespace shoal
