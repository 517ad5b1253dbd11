// flatten: all unit dimensions become one, as PyTorch's nn.Flatten.
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Flatten {
  static constexpr Doc doc{"flatten", "Turns a sample of any shape into one list of numbers."};
  static constexpr std::tuple<> fields{};
  Value expand(Scope&, Value x) const { return reshape(x, {element_count(x.shape())}); }
  static Samples<Flatten> samples() { return {{{}, {{2, 3, 2}}}, {{}, {{4}}}}; }
};

}  // namespace

SHOAL_DEFINE_LAYER(Flatten)

}  // namespace shoal
