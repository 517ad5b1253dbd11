// Quotients and roots from the hardware's approximations and one exact correction, without the branches of the IEEE
// sequences.
//
// The remainder a - q b (x - s s) is exact in one fma, so adding it, divided once more, rounds correctly wherever
// nothing in between under- or overflows: the same bits as on every other device. Where the correction is no number
// (zero, infinity), the approximation is right as it is. What differs is at the ends of the range: a quotient by more
// than 2^126 is 0, and a root of less than 2^-100 may be off by one unit in the last place.
//
// tests/emulate replaces the approximations by ones that are wrong by up to a unit in the last place.
#include "compiler/emit/cuda_functions.h"

namespace shoal::emit {

std::string cuda_functions(bool div, bool sqrt) {
  std::string text;
  if (div || sqrt) text += "#ifdef __CUDACC__\n";
  const auto approximation = [&](const char* name, const char* ptx) {
    text += std::string("__device__ __forceinline__ float ") + name + "(float x) {\n  float y;\n  asm(\"" + ptx +
            ".approx.ftz.f32 %0, %1;\" : \"=f\"(y) : \"f\"(x));\n  return y;\n}\n";
  };
  if (div) approximation("shoal_approximate_reciprocal", "rcp");
  if (sqrt) approximation("shoal_approximate_root", "sqrt");
  if (sqrt) approximation("shoal_approximate_reciprocal_root", "rsqrt");
  if (div || sqrt) text += "#endif\n";
  if (div)
    text +=
        "__device__ __forceinline__ float shoal_div(float a, float b) {\n"
        "  const float r = shoal_approximate_reciprocal(b);\n"
        "  const float q = a * r;\n"
        "  const float exact = __fmaf_rn(__fmaf_rn(-b, q, a), r, q);\n"
        "  return exact == exact ? exact : q;\n"
        "}\n";
  if (sqrt)
    text +=
        "__device__ __forceinline__ float shoal_sqrt(float x) {\n"
        "  const float s = shoal_approximate_root(x);\n"
        "  const float half = 0.5f * shoal_approximate_reciprocal_root(x);\n"
        "  const float exact = __fmaf_rn(__fmaf_rn(-s, s, x), half, s);\n"
        "  return exact == exact ? exact : s;\n"
        "}\n";
  return text;
}

}  // namespace shoal::emit
