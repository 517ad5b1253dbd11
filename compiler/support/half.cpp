// Conversions of 16-bit floats by integer arithmetic.
#include "compiler/support/half.h"

#include <bit>

namespace shoal {
namespace {

constexpr uint32_t infinity = 0x7f800000u, quiet = 0x00400000u;

// `bits` without its lower `count` (1 to 31) bits, rounded to nearest even.
uint32_t round_off(uint32_t bits, int count) {
  const uint32_t odd = bits >> count & 1;
  return (bits + ((1u << (count - 1)) - 1) + odd) >> count;
}

}  // namespace

float from_f16(uint16_t bits) {
  const uint32_t sign = (bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
  uint32_t result = (magnitude << 13) + (112u << 23);  // the exponent's bias is 15 there, 127 here
  if (magnitude < 0x400u) {
    result = std::bit_cast<uint32_t>(static_cast<float>(magnitude) * 0x1p-24f);  // zero and denormals
  } else if (magnitude >= 0x7c00u) {
    result = infinity | magnitude << 13 | (magnitude > 0x7c00u ? quiet : 0);
  }
  return std::bit_cast<float>(sign | result);
}

float from_bf16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

uint16_t to_f16(float value) {
  const auto all = std::bit_cast<uint32_t>(value);
  const uint32_t sign = all >> 16 & 0x8000u, magnitude = all & 0x7fffffffu;
  uint32_t result = 0;
  if (magnitude > infinity) {
    result = 0x7e00u | (magnitude >> 13 & 0x3ffu);
  } else if (magnitude >= 0x477ff000u) {  // 65520 and more: nearer to 65536 than to the largest, 65504
    result = 0x7c00u;
  } else if (magnitude >= 0x38800000u) {  // 2^-14 and more: normal
    result = round_off(magnitude - (112u << 23), 13);
  } else if (magnitude >= 0x33000000u) {  // 2^-25 and more; below, all round to zero
    const int exponent = static_cast<int>(magnitude >> 23);
    result = round_off((magnitude & 0x7fffffu) | 0x800000u, 126 - exponent);  // in units of 2^-24
  }
  return static_cast<uint16_t>(sign | result);
}

uint16_t to_bf16(float value) {
  const auto all = std::bit_cast<uint32_t>(value);
  if ((all & 0x7fffffffu) > infinity) return static_cast<uint16_t>(all >> 16 | 0x40u);
  return static_cast<uint16_t>(round_off(all, 16));
}

}  // namespace shoal
