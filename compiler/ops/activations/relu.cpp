// relu: max(0, x) with PyTorch's derivative 0 at 0.
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Relu {
  static constexpr Doc doc{"relu", "Negative numbers become 0."};
  static constexpr std::tuple<> fields{};

  Value expand(Scope&, Value x) const {
    // Not max(0, x), whose derivative at 0 would be 1; a NaN comes through either way.
    return select(x <= x.scope->constant(0), x.scope->constant(0), x);
  }

  static Samples<Relu> samples() { return {{{}, {{6}}}, {{}, {{2, 3}}}}; }
};

}  // namespace

SHOAL_DEFINE_ACTIVATION(Relu)

}  // namespace shoal
