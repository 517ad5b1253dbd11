// rmsprop: Tieleman and Hinton 2012, as PyTorch's torch.optim.RMSprop (not centred).
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct RmsProp {
  double lr = 0.01, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;

  static constexpr Doc doc{"rmsprop", "Steps scaled by a running mean of squared gradients."};
  static constexpr auto fields = std::tuple{
      Field{"lr", &RmsProp::lr, "learning rate", non_negative.with_vary()},
      Field{"alpha", &RmsProp::alpha, "decay of the mean squared gradient", below_one.with_vary()},
      Field{"eps", &RmsProp::eps, "added to the root of the mean square", non_negative.with_vary()},
      Field{"weight_decay", &RmsProp::weight_decay, "L2 penalty, added to the gradient", non_negative.with_vary()},
      Field{"momentum", &RmsProp::momentum, "how much of the last step is kept", below_one.with_vary()}};

  void expand(Scope& s, const Hyper& hyper, const std::vector<Trained>& trained) const {
    const Value lr_value = hyper("lr"), eps_value = hyper("eps"), rest = 1.0 - hyper("alpha");
    for (const auto& [name, w, gradient] : trained) {
      Value g = gradient;
      if (!hyper.is_zero("weight_decay")) g = g + hyper("weight_decay") * w;
      const Value v = s.state("optimizer.v." + name, w.shape());
      const Value next_v = v + rest * (g * g - v);
      s.next(v, next_v);
      Value update = g / (sqrt(next_v) + eps_value);
      if (!hyper.is_zero("momentum")) {
        const Value buffer = s.state("optimizer.momentum." + name, w.shape());
        update = hyper("momentum") * buffer + update;
        s.next(buffer, update);
      }
      s.next(w, w - lr_value * update);
    }
  }

  static Samples<RmsProp> samples() {
    return {{{}, {}}, {{.lr = 0.02, .alpha = 0.9, .weight_decay = 0.1, .momentum = 0.5}, {}}};
  }
};

}  // namespace

SHOAL_DEFINE_OPTIMIZER(RmsProp)

}  // namespace shoal
