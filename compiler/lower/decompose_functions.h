// The decompositions behind decompose(), and what they share.
#pragma once

#include <initializer_list>

#include "compiler/kernel/kernel.h"

namespace shoal::lower {

int32_t decompose_exp(kernel::Builder&, int32_t x);
int32_t decompose_fast_exp(kernel::Builder&, int32_t x);  // for GPUs
int32_t decompose_log(kernel::Builder&, int32_t x);
int32_t decompose_tanh(kernel::Builder&, int32_t x);
int32_t decompose_tanh_by_exp2(kernel::Builder&, int32_t x);  // for GPUs
int32_t decompose_sigmoid(kernel::Builder&, int32_t x);
int32_t decompose_sigmoid_by_exp2(kernel::Builder&, int32_t x);  // for GPUs
int32_t decompose_erf(kernel::Builder&, int32_t x);
int32_t decompose_sin(kernel::Builder&, int32_t x);
int32_t decompose_cos(kernel::Builder&, int32_t x);
int32_t decompose_shuffle(kernel::Builder&, int32_t position, int32_t key, int32_t epoch, int64_t n);

// c[0] + c[1] z + c[2] z^2 ... by Horner's rule.
int32_t polynomial(kernel::Builder&, int32_t z, std::initializer_list<float> coefficients);

// x limited to [low, high]; a NaN stays a NaN, because max and min give their second operand when unordered.
int32_t clamp(kernel::Builder&, int32_t x, float low, float high);

// 1.5 * 2^23: adding it to |v| < 2^22 rounds v to an integer, which then stands in the low bits of the sum.
inline constexpr float rounding_magic = 12582912.0f;

}  // namespace shoal::lower
