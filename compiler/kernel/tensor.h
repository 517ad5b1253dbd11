// Products of tensor cores: which lane holds which element, and what the numbers mean.
//
// The 32 lanes of a warp compute D = A * B + C, where D and C are 16 x 8, A is 16 x K and B is K x 8; K is 8 for tf32
// and 16 for bf16. With g = lane / 4 and t = lane % 4 (PTX: mma.m16n8k8 and mma.m16n8k16, .row.col),
//   register r of A   row g + 8 * (r % 2), columns t + 4 * (r / 2); of bf16 the pair 2t + 8 * (r / 2) and the next
//   register r of B   rows t + 4 * r, column g; of bf16 the pair 2t + 8 * r and the next
//   register r of C   row g + 8 * (r / 2), column 2t + r % 2
// A register of A or B is an f32 whose upper 19 bits count (tf32), or a pair of bf16. Products of two elements are
// exact, and they are added to C one after another from k = 0, each sum rounded once. A device adds them in an order of
// its own and rounds towards zero.
#pragma once

#include <array>
#include <cstdint>

namespace shoal::kernel {

constexpr int32_t lanes_of_mma = 32;
constexpr int depth_of_mma(bool bf16) { return bf16 ? 16 : 8; }  // K

struct MmaLane {
  std::array<uint32_t, 4> a{};
  std::array<uint32_t, 2> b{};
  std::array<float, 4> c{};  // in: C, out: D
};
void multiply_accumulate(std::array<MmaLane, lanes_of_mma>& lanes, bool bf16);

// Rounded to 11 significant bits, the nearest, ties away from zero. Infinities and NaNs stay.
float round_tf32(float);
// Two numbers rounded to bf16; the first in the low half.
int32_t bf16_pair(float low, float high);

}  // namespace shoal::kernel
