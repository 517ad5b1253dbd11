// normal: every element from a normal distribution, as PyTorch's nn.init.normal_.
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Normal {
  double mean = 0, std = 1;

  static constexpr Doc doc{"normal", "Normally distributed."};
  static constexpr auto fields =
      std::tuple{Field{"mean", &Normal::mean, "mean"}, Field{"std", &Normal::std, "standard deviation", non_negative}};

  Distribution distribution(int64_t, int64_t) const { return {Distribution::Kind::normal, mean, std}; }

  static Samples<Normal> samples() { return {{{}, {}}}; }
};

}  // namespace

SHOAL_DEFINE_INITIALIZER(Normal)

}  // namespace shoal
