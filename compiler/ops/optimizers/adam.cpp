// adam: Kingma and Ba 2014, with weight decay in the gradient, as PyTorch's torch.optim.Adam.
#include "compiler/ops/define_op.h"
#include "compiler/ops/optimizers/adam_update.h"

namespace shoal {

namespace {

struct Adam {
  double lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;

  static constexpr Doc doc{"adam", "Steps scaled by running moments of the gradient."};
  static constexpr auto fields = std::tuple{
      Field{"lr", &Adam::lr, "learning rate", non_negative.with_vary()},
      Field{"beta1", &Adam::beta1, "decay of the mean gradient", below_one.with_vary()},
      Field{"beta2", &Adam::beta2, "decay of the mean squared gradient", below_one.with_vary()},
      Field{"eps", &Adam::eps, "added to the root of the mean square", non_negative.with_vary()},
      Field{"weight_decay", &Adam::weight_decay, "L2 penalty, added to the gradient", non_negative.with_vary()}};

  void expand(Scope& s, const Hyper& hyper, const std::vector<Trained>& trained) const {
    const AdamUpdate update(s, hyper);
    for (const auto& [name, w, gradient] : trained) {
      Value g = gradient;
      if (!hyper.is_zero("weight_decay")) g = g + hyper("weight_decay") * w;
      update.apply(name, w, w, g);
    }
  }

  static Samples<Adam> samples() {
    return {{{}, {}}, {{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.1}, {}}};
  }
};

}  // namespace

SHOAL_DEFINE_OPTIMIZER(Adam)

}  // namespace shoal
