// Denormal operands and results count as zero in the thread that holds one, while it lives; what was before comes back.
#pragma once

#include <cstdint>
#if !defined(__aarch64__)
#include <xmmintrin.h>
#endif

namespace shoal::cpu {

class FlushDenormals {
 public:
  FlushDenormals() : saved_(control()) { set_control(saved_ | flush); }
  ~FlushDenormals() { set_control(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__aarch64__)
  using Word = uint64_t;
  static constexpr Word flush =
      Word{1} << 24;  // FPCR.FZ: operands and results of f32 and f64; f16 has a bit of its own
  static Word control() {
    Word word;
    asm volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void set_control(Word word) { asm volatile("msr fpcr, %0" : : "r"(word) : "memory"); }
#else
  using Word = uint32_t;
  static constexpr Word flush = 0x8000 | 0x0040;  // MXCSR: flush to zero, denormals are zero
  static Word control() { return _mm_getcsr(); }
  static void set_control(Word word) { _mm_setcsr(word); }
#endif
  Word saved_;
};

}  // namespace shoal::cpu
