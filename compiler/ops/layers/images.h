// What convolution and pooling share: checks of [channels, height, width] and windows over the last two dimensions.
#pragma once

#include <array>

#include "compiler/graph/scope.h"
#include "compiler/ops/field.h"
#include "compiler/ops/shapes.h"

namespace shoal {

constexpr Limits padding_limits{.low = 0, .high = 1 << 24};

// The number of channels; throws unless x is an image on which the padded kernel fits.
inline int64_t image_channels(const Shape& x, const std::array<int64_t, 2>& kernel,
                              const std::array<int64_t, 2>& padding) {
  if (x.size() != 3) refuse_shape("an image of shape [channels, height, width]", x);
  for (size_t i = 0; i < 2; ++i) {
    if (x[i + 1] + 2 * padding[i] < kernel[i]) {
      throw SpecError("layer", fmt::format("a kernel of {} does not fit on {} with padding {}",
                                           shape_text({kernel[0], kernel[1]}), shape_text(x), padding[i]));
    }
  }
  return x[0];
}

// [C, H, W] -> [C, OH, OW, KH, KW].
inline Value image_windows(Value x, const std::array<int64_t, 2>& kernel, const std::array<int64_t, 2>& stride,
                           const std::array<int64_t, 2>& padding, double pad_value) {
  const std::vector<int64_t> pads{padding[0], padding[1]};
  return window(x, {1, 2}, {kernel[0], kernel[1]}, {stride[0], stride[1]}, pads, pads, pad_value);
}

}  // namespace shoal
