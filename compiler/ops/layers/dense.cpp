// dense: y = x W^T + b over the last dimension, as PyTorch's nn.Linear.
#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct Dense {
  int64_t units = 0;
  bool bias = true;
  InitializerRef weight_initializer = default_initializer("kaiming_uniform");
  InitializerRef bias_initializer = default_initializer("kaiming_uniform");

  static constexpr Doc doc{"dense", "Multiplies the last dimension by a matrix of weights and adds a bias."};
  static constexpr auto fields =
      std::tuple{Field{"units", &Dense::units, "size of the output's last dimension", size_limits.with_required()},
                 Field{"bias", &Dense::bias, "whether a bias is added"},
                 Field{"weight_initializer", &Dense::weight_initializer, "fills the weight, [units, inputs]"},
                 Field{"bias_initializer", &Dense::bias_initializer, "fills the bias, [units]"}};

  Value expand(Scope& s, Value x) const {
    const Shape in = x.shape();
    if (in.empty()) refuse_shape("at least one dimension", in);
    const int64_t inputs = in.back();
    const Value weight = s.parameter("weight", {units, inputs}, weight_initializer->text(), inputs, units);
    // Leading dimensions keep their letters; k is summed, o comes in its place.
    const std::string lead = std::string("abcdefgh").substr(0, in.size() - 1);
    Value y = contract(x, lead + "k", weight, "ok", lead + "o");
    if (bias) y = y + s.parameter("bias", {units}, bias_initializer->text(), inputs, units);
    return y;
  }

  static Samples<Dense> samples() {
    return {{{.units = 3}, {{4}}}, {{.units = 1, .bias = false}, {{5}}}, {{.units = 2}, {{3, 4}}}};
  }
};

}  // namespace

SHOAL_DEFINE_LAYER(Dense)

}  // namespace shoal
