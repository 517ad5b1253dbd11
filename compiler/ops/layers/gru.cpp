// gru: the gated recurrent unit (Cho et al. 2014), gates in the order reset, update, new, as PyTorch's nn.GRU with one
// layer.
#include "compiler/ops/layers/recurrent.h"

namespace shoal {

namespace {

struct Gru {
  int64_t units = 0;
  bool bias = true;
  std::string output = "last";
  int64_t truncate = 0;
  bool stateful = false;

  static constexpr Doc doc{
      "gru",
      "Carries a hidden state over the steps of [steps, features], with gates that say how much of it to renew."};
  static constexpr auto fields =
      std::tuple{Field{"units", &Gru::units, "size of the hidden state", size_limits.with_required()},
                 Field{"bias", &Gru::bias, recurrent_bias_doc},
                 Field{"output", &Gru::output, recurrent_output_doc, one_of("last|sequence")},
                 Field{"truncate", &Gru::truncate, recurrent_truncate_doc, truncate_limits},
                 Field{"stateful", &Gru::stateful, recurrent_stateful_doc}};

  Value expand(Scope& s, Value x) const {
    require_steps(x);
    const RecurrentWeights w(s, 3, units, x.shape()[1], bias);
    // The inputs of all steps are projected at once, before the loop.
    Value projected = contract(x, "tf", w.weight_ih, "gf", "tg");
    if (bias) projected = projected + w.bias_ih;
    return recur(s, projected, units, output, truncate, stateful, [&](Value from_input, Value h) {
      Value from_hidden = contract(h, "h", w.weight_hh, "gh", "g");
      if (bias) from_hidden = from_hidden + w.bias_hh;
      const auto gate = [this](Value gates, int64_t i) { return slice(gates, {i * units}, {units}); };
      const Value reset = sigmoid(gate(from_input, 0) + gate(from_hidden, 0));
      const Value update = sigmoid(gate(from_input, 1) + gate(from_hidden, 1));
      const Value renewed = tanh(gate(from_input, 2) + reset * gate(from_hidden, 2));
      return renewed + update * (h - renewed);
    });
  }

  static Samples<Gru> samples() {
    return {{{.units = 3}, {{4, 2}}}, {{.units = 2, .bias = false, .output = "sequence"}, {{3, 2}}}};
  }
};

}  // namespace

SHOAL_DEFINE_LAYER(Gru)

}  // namespace shoal
