// rnn: Elman's recurrent layer, h = tanh(W x + b + U h + c) for every step, as PyTorch's nn.RNN with one layer.
#include "compiler/ops/layers/recurrent.h"

namespace shoal {

namespace {

struct Rnn {
  int64_t units = 0;
  std::string nonlinearity = "tanh";
  bool bias = true;
  std::string output = "last";
  int64_t truncate = 0;
  bool stateful = false;

  static constexpr Doc doc{
      "rnn", "Carries a hidden state over the steps of [steps, features]: one matrix and a squashing function a step."};
  static constexpr auto fields =
      std::tuple{Field{"units", &Rnn::units, "size of the hidden state", size_limits.with_required()},
                 Field{"nonlinearity", &Rnn::nonlinearity, "of each step", one_of("tanh|relu")},
                 Field{"bias", &Rnn::bias, recurrent_bias_doc},
                 Field{"output", &Rnn::output, recurrent_output_doc, one_of("last|sequence")},
                 Field{"truncate", &Rnn::truncate, recurrent_truncate_doc, truncate_limits},
                 Field{"stateful", &Rnn::stateful, recurrent_stateful_doc}};

  Value expand(Scope& s, Value x) const {
    require_steps(x);
    const RecurrentWeights w(s, 1, units, x.shape()[1], bias);
    // The inputs of all steps are projected at once, before the loop.
    Value projected = contract(x, "tf", w.weight_ih, "gf", "tg");
    if (bias) projected = projected + (w.bias_ih + w.bias_hh);
    return recur(s, projected, units, output, truncate, stateful, [&](Value input, Value h) {
      const Value sum = input + contract(h, "h", w.weight_hh, "gh", "g");
      return nonlinearity == "tanh" ? tanh(sum) : max(0.0, sum);
    });
  }

  static Samples<Rnn> samples() {
    return {{{.units = 3}, {{4, 2}}},
            {{.units = 2, .nonlinearity = "relu", .output = "sequence"}, {{3, 2}}},
            {{.units = 2, .bias = false}, {{2, 3}}}};
  }
};

}  // namespace

SHOAL_DEFINE_LAYER(Rnn)

}  // namespace shoal
