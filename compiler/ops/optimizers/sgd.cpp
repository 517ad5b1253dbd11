// sgd: gradient descent with momentum, as PyTorch's torch.optim.SGD.
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Sgd {
  double lr = 0.01, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;

  static constexpr Doc doc{"sgd", "Gradient descent, with momentum if wanted."};
  static constexpr auto fields = std::tuple{
      Field{"lr", &Sgd::lr, "learning rate", non_negative.with_vary()},
      Field{"momentum", &Sgd::momentum, "how much of the last step is kept", below_one.with_vary()},
      Field{"dampening", &Sgd::dampening, "how much of the gradient momentum leaves out",
            Limits{.low = 0, .high = 1}.with_vary()},
      Field{"weight_decay", &Sgd::weight_decay, "L2 penalty, added to the gradient", non_negative.with_vary()},
      Field{"nesterov", &Sgd::nesterov, "whether momentum looks ahead"}};

  void expand(Scope& s, const Hyper& hyper, const std::vector<Trained>& trained) const {
    const bool has_momentum = !hyper.is_zero("momentum");
    const bool has_dampening = has_momentum && !hyper.is_zero("dampening");
    if (nesterov && (!has_momentum || has_dampening)) {
      throw SpecError("optimizer", "nesterov needs a momentum and no dampening");
    }
    const Value lr_value = hyper("lr");
    for (const auto& [name, w, gradient] : trained) {
      Value g = gradient;
      if (!hyper.is_zero("weight_decay")) g = g + hyper("weight_decay") * w;
      if (has_momentum) {
        const Value momentum_value = hyper("momentum");
        const Value buffer = s.state("optimizer.momentum." + name, w.shape());
        Value moved = momentum_value * buffer;
        if (has_dampening) {
          // The first step starts the buffer with the whole gradient.
          const Value first = equal(s.step(), s.constant(0, DType::i32));
          moved = moved + select(first, s.constant(1), 1.0 - hyper("dampening")) * g;
        } else {
          moved = moved + g;
        }
        s.next(buffer, moved);
        g = nesterov ? g + momentum_value * moved : moved;
      }
      s.next(w, w - lr_value * g);
    }
  }

  static Samples<Sgd> samples() {
    return {{{}, {}},
            {{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01}, {}},
            {{.lr = 0.1, .momentum = 0.9, .dampening = 0.5}, {}},
            {{.lr = 0.1, .momentum = 0.8, .nesterov = true}, {}}};
  }
};

}  // namespace

SHOAL_DEFINE_OPTIMIZER(Sgd)

}  // namespace shoal
