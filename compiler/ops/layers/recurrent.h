// What recurrent layers share: their fields' docs, parameters, and the loop over the time steps of [T, F].
#pragma once

#include <string>

#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

constexpr std::string_view recurrent_bias_doc = "whether biases are added to both projections";
constexpr std::string_view recurrent_output_doc =
    "the hidden state after the last step, [units], or after every one, [steps, units]";
constexpr std::string_view recurrent_truncate_doc =
    "gradients pass through time only within runs of so many steps, counted from the first; 0: through all steps";
constexpr std::string_view recurrent_stateful_doc =
    "whether an inference that is bound to memory goes on from the hidden state of its last launch; else, and in "
    "training, evaluation and prediction, every sample starts from zeros";
constexpr Limits truncate_limits{.low = 0, .high = 1 << 24};

// The parameters of PyTorch's nn.RNN and nn.GRU, `gates` blocks of `units` rows each.
struct RecurrentWeights {
  Value weight_ih, weight_hh;
  Value bias_ih = {}, bias_hh = {};  // only where there are biases

  RecurrentWeights(Scope& s, int64_t gates, int64_t units, int64_t features, bool bias) {
    // PyTorch draws all of them from +-1 / sqrt(units), which is kaiming_uniform's bound for a fan-in of `units`.
    const std::string initializer = default_initializer("kaiming_uniform")->text();
    const auto parameter = [&](const char* name, Shape shape) {
      return s.parameter(name, std::move(shape), initializer, units, units);
    };
    weight_ih = parameter("weight_ih", {gates * units, features});
    weight_hh = parameter("weight_hh", {gates * units, units});
    if (!bias) return;
    bias_ih = parameter("bias_ih", {gates * units});
    bias_hh = parameter("bias_hh", {gates * units});
  }
};

inline void require_steps(Value x) {
  if (x.shape().size() != 2) refuse_shape("steps and features, [T, F]", x.shape());
}

// Runs h = step(slice of `projected` [T, ...] at this time, h) over all T, and returns the last h or, as [T, units],
// all of them. The first h is zeros; of a stateful layer it is the carried input "<layer>.h", which the last one
// replaces: programs that keep no state between launches put zeros there (programs/hidden_state.h).
template <typename Step>
Value recur(Scope& s, Value projected, int64_t units, const std::string& output, int64_t truncate, bool stateful,
            Step step) {
  const int32_t loop = s.loop(projected.shape()[0]);
  const Value time = s.time(loop);
  const Varies varies = projected.varies() | Varies{.member = true};
  const Value start =
      stateful ? s.input(s.prefix() + ".h", Role::input, {units}, varies) : broadcast_to(s.constant(0), {units});
  const Value h = s.name("h", s.carry(loop, start, varies));
  const Value read = truncate == 0 ? h
                                   : select(equal(rem(time, static_cast<double>(truncate)), s.constant(0, DType::i32)),
                                            stop_gradient(h), h);
  const Value next = s.name("h_next", step(gather(projected, time), read));
  s.advance(h, next);
  if (stateful) s.next(start, last(next));
  return output == "last" ? last(next) : collect(next);
}

}  // namespace shoal
