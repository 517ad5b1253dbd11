// avg_pool2d: the mean under a window of [C, H, W], as PyTorch's nn.AvgPool2d (padding counts as zeros).
#include "compiler/ops/define_op.h"
#include "compiler/ops/layers/images.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct AvgPool2d {
  std::array<int64_t, 2> kernel{};
  std::array<int64_t, 2> stride{0, 0};
  std::array<int64_t, 2> padding{0, 0};

  static constexpr Doc doc{"avg_pool2d", "Keeps the mean of each window of an image."};
  static constexpr auto fields =
      std::tuple{Field{"kernel", &AvgPool2d::kernel, "height and width of the window", size_limits.with_required()},
                 Field{"stride", &AvgPool2d::stride, "step between two windows; 0: the kernel", padding_limits},
                 Field{"padding", &AvgPool2d::padding, "rows and columns put before and after", padding_limits}};

  Value expand(Scope&, Value x) const {
    image_channels(x.shape(), kernel, padding);
    if (2 * padding[0] > kernel[0] || 2 * padding[1] > kernel[1]) {
      throw SpecError("layer", "expected a padding of at most half the kernel");  // else a window may hold nothing else
    }
    const std::array<int64_t, 2> steps{stride[0] ? stride[0] : kernel[0], stride[1] ? stride[1] : kernel[1]};
    const Value windows = image_windows(x, kernel, steps, padding, 0);
    return reduce(Reduction::sum, windows, last_dims(windows, 2)) * (1.0 / static_cast<double>(kernel[0] * kernel[1]));
  }

  static Samples<AvgPool2d> samples() {
    return {{{.kernel = {2, 2}}, {{2, 4, 4}}},
            {{.kernel = {3, 2}, .stride = {1, 2}, .padding = {1, 1}}, {{1, 5, 4}}},
            {{.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}, {{2, 5, 5}}}};
  }
};

}  // namespace

SHOAL_DEFINE_LAYER(AvgPool2d)

}  // namespace shoal
