// conv2d: cross-correlation of [C, H, W] with filters [O, C, KH, KW], as PyTorch's nn.Conv2d.
#include "compiler/ops/define_op.h"
#include "compiler/ops/layers/images.h"

namespace shoal {

namespace {

struct Conv2d {
  int64_t out_channels = 0;
  std::array<int64_t, 2> kernel{};
  std::array<int64_t, 2> stride{1, 1};
  std::array<int64_t, 2> padding{0, 0};
  bool bias = true;
  InitializerRef weight_initializer = default_initializer("kaiming_uniform");
  InitializerRef bias_initializer = default_initializer("kaiming_uniform");

  static constexpr Doc doc{"conv2d", "Slides filters over images of shape [channels, height, width]."};
  static constexpr auto fields =
      std::tuple{Field{"out_channels", &Conv2d::out_channels, "number of filters", size_limits.with_required()},
                 Field{"kernel", &Conv2d::kernel, "height and width of a filter", size_limits.with_required()},
                 Field{"stride", &Conv2d::stride, "step between two positions of a filter", size_limits},
                 Field{"padding", &Conv2d::padding, "zeros put before and after each row and column", padding_limits},
                 Field{"bias", &Conv2d::bias, "whether a bias is added to each channel"},
                 Field{"weight_initializer", &Conv2d::weight_initializer, "fills the filters"},
                 Field{"bias_initializer", &Conv2d::bias_initializer, "fills the bias"}};

  Value expand(Scope& s, Value x) const {
    const Shape in = x.shape();
    const int64_t channels = image_channels(in, kernel, padding);
    const int64_t fan_in = channels * kernel[0] * kernel[1];
    const int64_t fan_out = out_channels * kernel[0] * kernel[1];
    const Value weight = s.parameter("weight", {out_channels, channels, kernel[0], kernel[1]},
                                     weight_initializer->text(), fan_in, fan_out);
    const Value patches = image_windows(x, kernel, stride, padding, 0);
    Value y = contract(patches, "chwij", weight, "ocij", "ohw");
    if (bias) {
      const Value b = s.parameter("bias", {out_channels}, bias_initializer->text(), fan_in, fan_out);
      y = y + reshape(b, {out_channels, 1, 1});
    }
    return y;
  }

  static Samples<Conv2d> samples() {
    return {{{.out_channels = 2, .kernel = {3, 3}}, {{1, 5, 5}}},
            {{.out_channels = 3, .kernel = {2, 3}, .stride = {2, 1}, .padding = {1, 1}}, {{2, 4, 5}}},
            {{.out_channels = 2, .kernel = {1, 1}, .bias = false}, {{3, 2, 2}}}};
  }
};

}  // namespace

SHOAL_DEFINE_LAYER(Conv2d)

}  // namespace shoal
