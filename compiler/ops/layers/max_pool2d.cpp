// max_pool2d: the largest value under a window of [C, H, W], as PyTorch's nn.MaxPool2d.
#include "compiler/ops/define_op.h"
#include "compiler/ops/layers/images.h"
#include "compiler/ops/layers/window_maximum.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

struct MaxPool2d {
  std::array<int64_t, 2> kernel{};
  std::array<int64_t, 2> stride{0, 0};
  std::array<int64_t, 2> padding{0, 0};

  static constexpr Doc doc{"max_pool2d", "Keeps the largest value of each window of an image."};
  static constexpr auto fields =
      std::tuple{Field{"kernel", &MaxPool2d::kernel, "height and width of the window", size_limits.with_required()},
                 Field{"stride", &MaxPool2d::stride, "step between two windows; 0: the kernel", padding_limits},
                 Field{"padding", &MaxPool2d::padding, "rows and columns put before and after", padding_limits}};

  Value expand(Scope&, Value x) const {
    image_channels(x.shape(), kernel, padding);
    if (2 * padding[0] > kernel[0] || 2 * padding[1] > kernel[1]) {
      throw SpecError("layer", "expected a padding of at most half the kernel");  // else a window may hold nothing else
    }
    const std::array<int64_t, 2> steps{stride[0] ? stride[0] : kernel[0], stride[1] ? stride[1] : kernel[1]};
    return window_maximum(x, kernel, steps, padding);
  }

  static Samples<MaxPool2d> samples() {
    return {{{.kernel = {2, 2}}, {{2, 4, 4}}},
            {{.kernel = {3, 2}, .stride = {1, 2}, .padding = {1, 1}}, {{1, 5, 4}}},
            {{.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}, {{2, 5, 5}}}};
  }
};

}  // namespace

SHOAL_DEFINE_LAYER(MaxPool2d)

}  // namespace shoal
