// gelu: x times the normal distribution function of x (Hendrycks and Gimpel 2016; PyTorch's nn.GELU).
#include <cmath>
#include <numbers>

#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Gelu {
  std::string approximate = "none";

  static constexpr Doc doc{"gelu", "Each number times the chance that a normal one is smaller."};
  static constexpr auto fields =
      std::tuple{Field{"approximate", &Gelu::approximate, "by tanh, or not", one_of("none|tanh")}};

  Value expand(Scope&, Value x) const {
    if (approximate == "tanh")
      return 0.5 * x * (1.0 + shoal::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * (x * x * x))));
    return 0.5 * x * (1.0 + erf(x * std::numbers::sqrt2 * 0.5));
  }

  static Samples<Gelu> samples() { return {{{}, {{6}}}, {{.approximate = "tanh"}, {{2, 3}}}}; }
};

}  // namespace

SHOAL_DEFINE_ACTIVATION(Gelu)

}  // namespace shoal
