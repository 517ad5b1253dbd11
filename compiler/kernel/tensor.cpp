// The arithmetic of tensor cores, on the registers of all lanes of a warp.
#include "compiler/kernel/tensor.h"

#include <bit>
#include <cmath>

#include "compiler/support/half.h"

namespace shoal::kernel {

float round_tf32(float x) {
  constexpr uint32_t dropped = (1u << 13) - 1, infinity = 0x7f800000u;
  const auto bits = std::bit_cast<uint32_t>(x);
  if ((bits & infinity) == infinity) return x;
  return std::bit_cast<float>((bits + (1u << 12)) & ~dropped);
}

int32_t bf16_pair(float low, float high) {
  return std::bit_cast<int32_t>(uint32_t{to_bf16(low)} | uint32_t{to_bf16(high)} << 16);
}

void multiply_accumulate(std::array<MmaLane, lanes_of_mma>& lanes, bool bf16) {
  const int depth = depth_of_mma(bf16);
  const auto half = [](uint32_t pair, int n) { return from_bf16(static_cast<uint16_t>(pair >> (16 * n))); };
  const auto tf32 = [](uint32_t bits) { return std::bit_cast<float>(bits & 0xffffe000u); };
  float a[16][16], b[16][8];
  for (int lane = 0; lane < lanes_of_mma; ++lane) {
    const int g = lane / 4, t = lane % 4;
    const MmaLane& l = lanes[lane];
    for (int r = 0; r < 4; ++r)
      for (int n = 0; n < (bf16 ? 2 : 1); ++n)
        a[g + 8 * (r % 2)][bf16 ? 2 * t + 8 * (r / 2) + n : t + 4 * (r / 2)] = bf16 ? half(l.a[r], n) : tf32(l.a[r]);
    for (int r = 0; r < 2; ++r)
      for (int n = 0; n < (bf16 ? 2 : 1); ++n)
        b[bf16 ? 2 * t + 8 * r + n : t + 4 * r][g] = bf16 ? half(l.b[r], n) : tf32(l.b[r]);
  }
  for (int lane = 0; lane < lanes_of_mma; ++lane)
    for (int r = 0; r < 4; ++r) {
      const int row = lane / 4 + 8 * (r / 2), column = 2 * (lane % 4) + r % 2;
      float sum = lanes[lane].c[r];
      for (int k = 0; k < depth; ++k) sum = std::fma(a[row][k], b[k][column], sum);
      lanes[lane].c[r] = sum;
    }
}

}  // namespace shoal::kernel
