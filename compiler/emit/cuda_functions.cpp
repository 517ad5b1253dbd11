// Quotients and roots from the hardware's approximations and one exact correction, without the branches of the IEEE
// sequences.
//
// The remainder a - q b (x - s s) is exact in one fma, so adding it, divided once more, rounds as IEEE asks in all but
// about one of a million cases, and else misses by one unit in the last place; so do quotients of numbers below 2^-100
// and roots of such. Where the corrected number is zero or none, the approximation is right as it is (with the sign of
// its zero, with its infinity). A quotient by more than 2^126 is 0.
//
// tests/emulate has IEEE's functions in their place.
#include "compiler/emit/cuda_functions.h"

#include <algorithm>

namespace shoal::emit {

namespace {

// Texts of several kernels may stand in one file: each function is defined once.
std::string once(const std::string& name, const std::string& definitions) {
  const std::string known = "SHOAL_HAS_" + name;
  return "#if defined(__CUDACC__) && !defined(" + known + ")\n#define " + known + "\n" + definitions + "#endif\n";
}

std::string approximation(const std::string& name, const std::string& ptx) {
  return "__device__ __forceinline__ float " + name + "(float x) {\n  float y;\n  asm(\"" + ptx +
         ".approx.ftz.f32 %0, %1;\" : \"=f\"(y) : \"f\"(x));\n  return y;\n}\n";
}

std::string extremum(const std::string& which) {
  return "__device__ __forceinline__ float shoal_" + which + "(float a, float b) {\n  float y;\n  asm(\"" + which +
         ".ftz.NaN.f32 %0, %1, %2;\" : \"=f\"(y) : \"f\"(a), \"f\"(b));\n  return y;\n}\n";
}

}  // namespace

CudaFunctions functions_of(const kernel::Kernel& kernel) {
  using kernel::Op;
  using kernel::Type;
  const auto in_f32 = [&](Op op) {
    return std::any_of(kernel.code.begin(), kernel.code.end(),
                       [&](const kernel::Instruction& in) { return in.op == op && in.type == Type::f32; });
  };
  const auto stored = [&](Type type) {
    return std::any_of(kernel.buffers.begin(), kernel.buffers.end(),
                       [&](const kernel::Buffer& b) { return b.type == type; });
  };
  return {.div = in_f32(Op::div),
          .sqrt = in_f32(Op::sqrt),
          .exp2 = in_f32(Op::exp2),
          .rcp = in_f32(Op::rcp),
          .max = in_f32(Op::max),
          .min = in_f32(Op::min),
          .f16 = stored(Type::f16),
          .bf16 = stored(Type::bf16)};
}

std::string cuda_functions(const CudaFunctions& wanted) {
  std::string text;
  if (wanted.max) text += once("MAX", extremum("max"));
  if (wanted.min) text += once("MIN", extremum("min"));
  if (wanted.div)
    text += once("DIV", approximation("shoal_approximate_reciprocal", "rcp") +
                            "__device__ __forceinline__ float shoal_div(float a, float b) {\n"
                            "  const float r = shoal_approximate_reciprocal(b);\n"
                            "  const float q = a * r;\n"
                            "  const float exact = __fmaf_rn(__fmaf_rn(-b, q, a), r, q);\n"
                            "  return fabsf(exact) > 0.0f ? exact : q;\n"
                            "}\n");
  if (wanted.sqrt)
    text += once("SQRT", approximation("shoal_approximate_root", "sqrt") +
                             approximation("shoal_approximate_reciprocal_root", "rsqrt") +
                             "__device__ __forceinline__ float shoal_sqrt(float x) {\n"
                             "  const float s = shoal_approximate_root(x);\n"
                             "  const float half = 0.5f * shoal_approximate_reciprocal_root(x);\n"
                             "  const float exact = __fmaf_rn(__fmaf_rn(-s, s, x), half, s);\n"
                             "  return fabsf(exact) > 0.0f ? exact : s;\n"
                             "}\n");
  if (wanted.exp2) text += once("EXP2", approximation("shoal_exp2", "ex2"));
  if (wanted.rcp) text += once("RCP", approximation("shoal_rcp", "rcp"));
  // NVRTC finds no cuda_fp16.h without an include path.
  if (wanted.f16)
    text += once("F16",
                 "__device__ __forceinline__ float shoal_f16(unsigned short bits) {\n  float value;\n"
                 "  asm(\"cvt.f32.f16 %0, %1;\" : \"=f\"(value) : \"h\"(bits));\n  return value;\n}\n");
  if (wanted.bf16)
    text += once("BF16",
                 "__device__ __forceinline__ float shoal_bf16(unsigned short bits) {\n"
                 "  return __uint_as_float((unsigned)bits << 16);\n}\n");
  return text;
}

}  // namespace shoal::emit
