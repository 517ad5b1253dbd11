// add: the sum of several values of one shape: skip connections.
#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct Add {
  static constexpr Doc doc{"add", "Adds two or more layers of one shape."};
  static constexpr std::tuple<> fields{};

  Value expand(Scope&, const std::vector<Value>& inputs) const {
    Value sum = inputs[0];
    for (size_t i = 1; i < inputs.size(); ++i) {
      if (inputs[i].shape() != sum.shape())
        refuse_shape(("shape " + shape_text(sum.shape())).c_str(), inputs[i].shape());
      sum = sum + inputs[i];
    }
    return sum;
  }

  static Samples<Add> samples() { return {{{}, {{3}, {3}}}, {{}, {{2, 2}, {2, 2}, {2, 2}}}}; }
};

}  // namespace

SHOAL_DEFINE_LAYER(Add)

}  // namespace shoal
