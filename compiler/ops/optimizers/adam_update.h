// The update that adam and adamw share (Kingma and Ba 2014, algorithm 1; PyTorch's torch.optim.Adam).
#pragma once

#include "compiler/ops/op.h"

namespace shoal {

// What all parameters of a member share in one step.
class AdamUpdate {
 public:
  AdamUpdate(Scope& s, const Hyper& hyper)
      : scope_(s), rest1_(1.0 - hyper("beta1")), rest2_(1.0 - hyper("beta2")), eps_(hyper("eps")) {
    // The bias corrections 1 - beta^t, carried as averages of ones in the form of the moments: the subtraction would
    // cancel in f32 for small t, and a rounded beta would let the correction settle beside 1.
    const Value c1 = s.state("optimizer.correction1", {});
    const Value c2 = s.state("optimizer.correction2", {});
    const Value next1 = c1 + rest1_ * (1.0 - c1);
    const Value next2 = c2 + rest2_ * (1.0 - c2);
    s.next(c1, next1);
    s.next(c2, next2);
    rate_ = hyper("lr") / next1;
    root_ = 1.0 / sqrt(next2);
  }

  // Moves `w` (the parameter, decayed or not) by the moments of gradient `g`, and makes it the next `parameter`.
  void apply(const std::string& name, Value parameter, Value w, Value g) const {
    const Value m = scope_.state("optimizer.m." + name, w.shape());
    const Value v = scope_.state("optimizer.v." + name, w.shape());
    const Value next_m = m + rest1_ * (g - m);
    const Value next_v = v + rest2_ * (g * g - v);
    scope_.next(m, next_m);
    scope_.next(v, next_v);
    scope_.next(parameter, w - rate_ * next_m / (sqrt(next_v) * root_ + eps_));
  }

 private:
  Scope& scope_;
  Value rest1_, rest2_, eps_, rate_, root_;
};

}  // namespace shoal
