// concat: several values side by side along one dimension.
#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct Concat {
  int64_t dim = 0;

  static constexpr Doc doc{"concat", "Puts two or more layers side by side."};
  static constexpr auto fields =
      std::tuple{Field{"dim", &Concat::dim, "the dimension along which they are joined", {.low = 0, .high = 7}}};

  Value expand(Scope&, const std::vector<Value>& inputs) const {
    const Shape first = inputs[0].shape();
    const auto along = static_cast<size_t>(dim);
    if (along >= first.size()) refuse_shape("a dimension to join along", first);
    for (const Value& input : inputs) {
      Shape shape = input.shape();
      const Shape got = shape;
      if (shape.size() == first.size()) shape[along] = first[along];
      if (shape != first) refuse_shape(("shape " + shape_text(first) + " but for the joined dimension").c_str(), got);
    }
    return shoal::concat(inputs, dim);
  }

  static Samples<Concat> samples() { return {{{}, {{2}, {3}}}, {{.dim = 1}, {{2, 1}, {2, 2}, {2, 1}}}}; }
};

}  // namespace

SHOAL_DEFINE_LAYER(Concat)

}  // namespace shoal
