// Flush-to-zero and denormals-are-zero in the thread that holds one, while it lives; what was before comes back.
#pragma once

#include <xmmintrin.h>

#include <cstdint>

namespace shoal::cpu {

class FlushDenormals {
 public:
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | flush_to_zero | denormals_are_zero); }
  ~FlushDenormals() { _mm_setcsr(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  static constexpr uint32_t flush_to_zero = 0x8000, denormals_are_zero = 0x0040;
  uint32_t saved_;
};

}  // namespace shoal::cpu
