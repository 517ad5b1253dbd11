// relu: max(0, x) with PyTorch's derivative 0 at 0.
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Relu {
  static constexpr Doc doc{"relu", "Negative numbers become 0."};
  static constexpr std::tuple<> fields{};

  Value expand(Scope&, Value x) const {
    return max(0.0, x);  // a NaN comes through: max gives its second operand when unordered
  }

  static Samples<Relu> samples() { return {{{}, {{6}}}, {{}, {{2, 3}}}}; }
};

}  // namespace

SHOAL_DEFINE_ACTIVATION(Relu)

}  // namespace shoal
