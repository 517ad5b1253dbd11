// adamw: adam whose weight decay bypasses the moments (Loshchilov and Hutter 2017; PyTorch's torch.optim.AdamW).
#include "compiler/ops/define_op.h"
#include "compiler/ops/optimizers/adam_update.h"

namespace shoal {

namespace {

struct AdamW {
  double lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;

  static constexpr Doc doc{"adamw", "Adam with decoupled weight decay."};
  static constexpr auto fields =
      std::tuple{Field{"lr", &AdamW::lr, "learning rate", non_negative.with_vary()},
                 Field{"beta1", &AdamW::beta1, "decay of the mean gradient", below_one.with_vary()},
                 Field{"beta2", &AdamW::beta2, "decay of the mean squared gradient", below_one.with_vary()},
                 Field{"eps", &AdamW::eps, "added to the root of the mean square", non_negative.with_vary()},
                 Field{"weight_decay", &AdamW::weight_decay, "share of the weight, times lr, that each step removes",
                       non_negative.with_vary()}};

  void expand(Scope& s, const Hyper& hyper, const std::vector<Trained>& trained) const {
    const AdamUpdate update(s, hyper);
    for (const auto& [name, w, gradient] : trained) {
      Value decayed = w;
      if (!hyper.is_zero("weight_decay")) decayed = w * (1.0 - hyper("lr") * hyper("weight_decay"));
      update.apply(name, w, decayed, gradient);
    }
  }

  static Samples<AdamW> samples() {
    return {{{}, {}}, {{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.1}, {}}};
  }
};

}  // namespace

SHOAL_DEFINE_OPTIMIZER(AdamW)

}  // namespace shoal
