// uniform: every element from [low, high), as PyTorch's nn.init.uniform_.
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Uniform {
  double low = 0, high = 1;

  static constexpr Doc doc{"uniform", "Evenly distributed between two bounds."};
  static constexpr auto fields =
      std::tuple{Field{"low", &Uniform::low, "lower bound"}, Field{"high", &Uniform::high, "upper bound"}};

  Distribution distribution(int64_t, int64_t) const {
    if (high < low) throw SpecError("initializer", fmt::format("expected low <= high, got {} and {}", low, high));
    return {Distribution::Kind::uniform, low, high};
  }

  static Samples<Uniform> samples() { return {{{}, {}}, {{.low = -0.5, .high = 0.5}, {}}}; }
};

}  // namespace

SHOAL_DEFINE_INITIALIZER(Uniform)

}  // namespace shoal
