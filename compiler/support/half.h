// The 16-bit floats: f16 (IEEE binary16) and bf16 (the upper half of an f32), as bits. Both ways, without a library.
#pragma once

#include <cstdint>

namespace shoal {

// Exact. A NaN keeps its sign and payload; that of an f16 becomes quiet, as with x86's VCVTPH2PS.
float from_f16(uint16_t bits);
float from_bf16(uint16_t bits);

// Rounded to the nearest, ties to even; beyond the largest finite number infinity; a NaN stays one.
uint16_t to_f16(float value);
uint16_t to_bf16(float value);

}  // namespace shoal
