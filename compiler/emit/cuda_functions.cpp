// Quotients and roots from the hardware's approximations and one exact correction, without the branches of the IEEE
// sequences.
//
// The remainder a - q b (x - s s) is exact in one fma, so adding it, divided once more, rounds as IEEE asks in all but
// about one of a million cases, and else misses by one unit in the last place. The remainder of numbers below 2^-100
// may be flushed: their quotients miss by up to three units, their roots by two. Where the corrected number is zero or
// none, the approximation is right as it is (with the sign of its zero, with its infinity). A quotient by more than
// 2^126 is 0, that of an infinity by it not a number.
//
// tests/emulate has IEEE's functions in their place.
#include "compiler/emit/cuda_functions.h"

#include <algorithm>

#include "compiler/emit/cuda_accesses.h"
#include "compiler/emit/cuda_uses.h"

namespace shoal::emit {

using kernel::Op;
using kernel::Type;

namespace {

// Texts of several kernels may stand in one file: each function is defined once.
std::string once(const std::string& name, const std::string& definitions) {
  const std::string known = "SHOAL_HAS_" + name;
  return "#if defined(__CUDACC__) && !defined(" + known + ")\n#define " + known + "\n" + definitions + "#endif\n";
}

struct Wanted {
  bool fma = false, div = false, sqrt = false, exp2 = false, rcp = false, max = false, min = false, f16 = false,
       bf16 = false;
  bool tf32 = false, bf16_pair = false, mma_tf32 = false, mma_bf16 = false;
};

Wanted functions_of(const kernel::Kernel& kernel) {
  const auto any = [&](Op op, Type first_operand) {
    return std::any_of(kernel.code.begin(), kernel.code.end(), [&](const kernel::Instruction& in) {
      return in.op == op && kernel.code[in.args[0]].type == first_operand;
    });
  };
  const auto stored = [&](Type type) {
    return std::any_of(kernel.buffers.begin(), kernel.buffers.end(),
                       [&](const kernel::Buffer& b) { return b.type == type; });
  };
  return {.fma = any(Op::fma, Type::f32),
          .div = any(Op::div, Type::f32),
          .sqrt = any(Op::sqrt, Type::f32),
          .exp2 = any(Op::exp2, Type::f32),
          .rcp = any(Op::rcp, Type::f32),
          .max = any(Op::max, Type::f32),
          .min = any(Op::min, Type::f32),
          .f16 = stored(Type::f16),
          .bf16 = stored(Type::bf16),
          .tf32 = any(Op::tf32, Type::f32),
          .bf16_pair = any(Op::bf16_pair, Type::f32),
          .mma_tf32 = any(Op::mma, Type::f32),
          .mma_bf16 = any(Op::mma, Type::i32)};
}

std::string approximation(const std::string& name, const std::string& ptx) {
  return "__device__ __forceinline__ float " + name + "(float x) {\n  float y;\n  asm(\"" + ptx +
         ".approx.ftz.f32 %0, %1;\" : \"=f\"(y) : \"f\"(x));\n  return y;\n}\n";
}

std::string extremum(const std::string& which) {
  return "__device__ __forceinline__ float shoal_" + which + "(float a, float b) {\n  float y;\n  asm(\"" + which +
         ".ftz.NaN.f32 %0, %1, %2;\" : \"=f\"(y) : \"f\"(a), \"f\"(b));\n  return y;\n}\n";
}

// Volatile, or the compiler would know that it is the place it has read before.
std::string place(const std::string& which, const std::string& ptx) {
  return "__device__ __forceinline__ int shoal_" + which + "_again() {\n  int x;\n  asm volatile(\"mov.u32 %0, %%" +
         ptx + ".x;\" : \"=r\"(x));\n  return x;\n}\n";
}

// Not to be moved among branches: all lanes take part.
std::string product(const std::string& type, const std::string& shape, const std::string& c_type,
                    const std::string& to_bits) {
  std::string text =
      "__device__ __forceinline__ void shoal_mma_" + type + "(float& d0, float& d1, float& d2, float& d3";
  for (const char* operand : {"a0", "a1", "a2", "a3", "b0", "b1"}) text += ", " + c_type + " " + operand;
  text += ", float c0, float c1, float c2, float c3) {\n  asm volatile(\n      \"mma.sync.aligned." + shape +
          ".row.col.f32." + type + "." + type +
          ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};\"\n"
          "      : \"=f\"(d0), \"=f\"(d1), \"=f\"(d2), \"=f\"(d3)\n      : ";
  for (const char* operand : {"a0", "a1", "a2", "a3", "b0", "b1"}) text += "\"r\"(" + to_bits + "(" + operand + ")), ";
  return text + "\"f\"(c0), \"f\"(c1), \"f\"(c2), \"f\"(c3));\n}\n";
}

}  // namespace

std::string cuda_functions(const kernel::Kernel& kernel, bool callable) {
  const Wanted wanted = functions_of(kernel);
  std::string text;
  // CUDA's own __fmaf_rn is two functions around this one, and thousands of them to inline are a sixth of NVRTC's time.
  if (wanted.fma || wanted.div || wanted.sqrt)
    text += once(
        "FMA",
        "#ifdef __CUDACC_RTC__\n#define shoal_fma __nvvm_fma_rn_ftz_f\n#else\n#define shoal_fma __fmaf_rn\n#endif\n");
  if (wanted.max) text += once("MAX", extremum("max"));
  if (wanted.min) text += once("MIN", extremum("min"));
  if (wanted.div)
    text += once("DIV", approximation("shoal_approximate_reciprocal", "rcp") +
                            "__device__ __forceinline__ float shoal_div(float a, float b) {\n"
                            "  const float r = shoal_approximate_reciprocal(b);\n"
                            "  const float q = a * r;\n"
                            "  const float exact = shoal_fma(shoal_fma(-b, q, a), r, q);\n"
                            "  return fabsf(exact) > 0.0f ? exact : q;\n"
                            "}\n");
  if (wanted.sqrt)
    text += once("SQRT", approximation("shoal_approximate_root", "sqrt") +
                             approximation("shoal_approximate_reciprocal_root", "rsqrt") +
                             "__device__ __forceinline__ float shoal_sqrt(float x) {\n"
                             "  const float s = shoal_approximate_root(x);\n"
                             "  const float half = 0.5f * shoal_approximate_reciprocal_root(x);\n"
                             "  const float exact = shoal_fma(shoal_fma(-s, s, x), half, s);\n"
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
  if (wanted.tf32)
    text += once("TF32",
                 "__device__ __forceinline__ float shoal_tf32(float x) {\n  unsigned y;\n"
                 "  asm(\"cvt.rna.tf32.f32 %0, %1;\" : \"=r\"(y) : \"f\"(x));\n  return __uint_as_float(y);\n}\n");
  if (wanted.bf16_pair)
    text += once("BF16_PAIR",
                 "__device__ __forceinline__ int shoal_bf16_pair(float low, float high) {\n  int y;\n"
                 "  asm(\"cvt.rn.bf16x2.f32 %0, %1, %2;\" : \"=r\"(y) : \"f\"(high), \"f\"(low));\n  return y;\n}\n");
  if (wanted.mma_tf32) text += once("MMA_TF32", product("tf32", "m16n8k8", "float", "__float_as_int"));
  if (wanted.mma_bf16) text += once("MMA_BF16", product("bf16", "m16n8k16", "int", ""));
  if (!callable && renews_behind_steps(kernel)) text += once("AGAIN", place("block", "ctaid") + place("thread", "tid"));
  for (const AccessFunction& f : access_functions(kernel, callable)) text += once(f.name, f.definition);
  return text;
}

}  // namespace shoal::emit
