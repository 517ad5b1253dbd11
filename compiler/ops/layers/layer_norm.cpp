// layer_norm: zero mean and unit variance over units, then scale and shift (Ba et al. 2016; PyTorch's nn.LayerNorm).
#include <algorithm>

#include "compiler/ops/define_op.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct LayerNorm {
  double eps = 1e-5;
  bool affine = true;
  int64_t dims = 0;

  static constexpr Doc doc{"layer_norm", "Normalises over units, then scales and shifts."};
  static constexpr auto fields =
      std::tuple{Field{"eps", &LayerNorm::eps, "added to the variance", positive},
                 Field{"affine", &LayerNorm::affine, "whether a trained scale and shift follow"},
                 Field{"dims",
                       &LayerNorm::dims,
                       "how many of the last dimensions are normalised together; 0: all",
                       {.low = 0, .high = 8}}};

  Value expand(Scope& s, Value x) const {
    const Shape in = x.shape();
    const auto rank = static_cast<int64_t>(in.size());
    if (rank < std::max<int64_t>(dims, 1)) refuse_shape("as many dimensions as are normalised", in);
    const int64_t count = dims == 0 ? rank : dims;
    const Shape normalized(in.end() - count, in.end());
    const double scale = 1.0 / static_cast<double>(element_count(normalized));
    const Value centred = x - reduce_last(Reduction::sum, x, count) * scale;
    const Value variance = reduce_last(Reduction::sum, centred * centred, count) * scale;
    // The reciprocal is taken once for all units, so that what is left for each of them is a product.
    Value y = centred * (1.0 / sqrt(variance + eps));
    if (affine) {
      const int64_t fan = element_count(normalized);
      y = y * s.parameter("weight", normalized, "{\"constant\":{\"value\":1}}", fan, fan);
      y = y + s.parameter("bias", normalized, "{\"zeros\":{}}", fan, fan);
    }
    return y;
  }

  static Samples<LayerNorm> samples() {
    return {{{}, {{5}}}, {{.eps = 0.1, .affine = false}, {{2, 3}}}, {{.dims = 1}, {{2, 4}}}};
  }
};

}  // namespace

SHOAL_DEFINE_LAYER(LayerNorm)

}  // namespace shoal
