// CUDA's names for g++, read before the kernel's text. No standard headers: they would dominate the compile time.
#pragma once

#include "device_abi.h"

extern "C" EmulateHost emulate_host;

#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __restrict__ __restrict
#define __shared__  // only `extern __shared__ float4 shoal_arena[]`: device_entry.h defines the array

struct alignas(8) float2 {
  float x, y;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(4) ushort2 {
  unsigned short x, y;
};
struct alignas(8) ushort4 {
  unsigned short x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }

inline int __float_as_int(float f) { return __builtin_bit_cast(int, f); }
inline unsigned __float_as_uint(float f) { return __builtin_bit_cast(unsigned, f); }
inline float __int_as_float(int i) { return __builtin_bit_cast(float, i); }
inline float __uint_as_float(unsigned u) { return __builtin_bit_cast(float, u); }
// In the place of emitted functions whose bodies are PTX.
inline float shoal_f16(unsigned short bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const float power = __int_as_float((exponent + 127 - 25) << 23);
  float value = exponent == 0 ? static_cast<float>(mantissa) * 0x1p-24f : static_cast<float>(mantissa + 1024) * power;
  if (exponent == 31) value = mantissa ? __builtin_nanf("") : __builtin_inff();
  return bits >> 15 ? -value : value;
}
inline float shoal_bf16(unsigned short bits) { return __uint_as_float(static_cast<unsigned>(bits) << 16); }
inline float shoal_tf32(float x) {
  const unsigned bits = __float_as_uint(x), size = bits & 0x7fffffffu;
  return size >= 0x7f800000u ? x : __uint_as_float((bits & 0x80000000u) | ((size + 0x1000u) >> 13 << 13));
}
inline unsigned shoal_to_bf16(float x) {
  const unsigned bits = __float_as_uint(x);
  return x != x ? bits >> 16 | 0x40u : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}
inline int shoal_bf16_pair(float low, float high) {
  return static_cast<int>(shoal_to_bf16(high) << 16 | shoal_to_bf16(low));
}
inline int __float2int_rz(float f) { return static_cast<int>(f); }
inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline float shoal_fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
inline float shoal_div(float a, float b) { return a / b; }
inline float shoal_sqrt(float a) { return __builtin_sqrtf(a); }
inline float shoal_exp2(float a) { return __builtin_exp2f(a); }
inline float shoal_rcp(float a) { return 1.0f / a; }
inline float shoal_max(float a, float b) { return a > b ? a : b; }
inline float shoal_min(float a, float b) { return a < b ? a : b; }
inline float fabsf(float a) { return __builtin_fabsf(a); }
inline float floorf(float a) { return __builtin_floorf(a); }

extern "C" float4 shoal_arena[];
inline unsigned __cvta_generic_to_shared(const void* p) {
  return static_cast<unsigned>(static_cast<const char*>(p) - reinterpret_cast<const char*>(::shoal_arena));
}

namespace emulate_shim {
// Addresses wrap at 32 bits, as on the device: what lies below the arena is far away from all that a kernel may touch.
template <typename T>
inline T* shared(unsigned address, int offset) {
  return reinterpret_cast<T*>(reinterpret_cast<char*>(::shoal_arena) + (address + static_cast<unsigned>(offset)));
}
template <typename T>
inline T* global(const void* address, int offset) {
  return reinterpret_cast<T*>(const_cast<char*>(static_cast<const char*>(address)) + offset);
}
template <typename T>
inline T shuffle_xor(unsigned mask, T value, int lane_mask, int line) {
  static_assert(sizeof(T) == 4, "shuffles move 32-bit values");
  const unsigned bits = __builtin_bit_cast(unsigned, value);
  return __builtin_bit_cast(T, emulate_host.shuffle_xor(emulate_host.machine, mask, bits, lane_mask, line));
}
inline void sync_warp(int line, unsigned mask = 0xffffffffu) {
  emulate_host.sync_warp(emulate_host.machine, mask, line);
}
inline unsigned bits_of(float f) { return __float_as_uint(f); }
inline unsigned bits_of(int i) { return static_cast<unsigned>(i); }
template <typename T>
inline void mma(int bf16, int line, float& d0, float& d1, float& d2, float& d3, T a0, T a1, T a2, T a3, T b0, T b1,
                float c0, float c1, float c2, float c3) {
  const unsigned operands[6] = {bits_of(a0), bits_of(a1), bits_of(a2), bits_of(a3), bits_of(b0), bits_of(b1)};
  float c[4] = {c0, c1, c2, c3};
  emulate_host.mma(emulate_host.machine, bf16, operands, c, line);
  d0 = c[0], d1 = c[1], d2 = c[2], d3 = c[3];
}
}  // namespace emulate_shim

// Macros, for the line number: a barrier or collective is identified by the line it stands on.
#define __syncthreads() emulate_host.barrier(emulate_host.machine, __LINE__)
#define __syncwarp(...) emulate_shim::sync_warp(__LINE__ __VA_OPT__(, ) __VA_ARGS__)
#define __shfl_xor_sync(mask, value, lane_mask) emulate_shim::shuffle_xor(mask, value, lane_mask, __LINE__)
#define shoal_mma_tf32(...) emulate_shim::mma<float>(0, __LINE__, __VA_ARGS__)
#define shoal_mma_bf16(...) emulate_shim::mma<int>(1, __LINE__, __VA_ARGS__)
// Macros, for the line number of a fault. One access each, of the width that the instruction has.
#define EMULATE_LOAD_2(T, PLACE, a, b, ...)                         \
  const T##2 a##_b = *emulate_shim::PLACE<const T##2>(__VA_ARGS__); \
  const T a = a##_b.x, b = a##_b.y
#define EMULATE_LOAD_4(T, PLACE, a, b, c, d, ...)                   \
  const T##4 a##_d = *emulate_shim::PLACE<const T##4>(__VA_ARGS__); \
  const T a = a##_d.x, b = a##_d.y, c = a##_d.z, d = a##_d.w
#define EMULATE_STORE(T, PLACE, value, ...) *emulate_shim::PLACE<T>(__VA_ARGS__) = value
#define shoal_load_shared_float(a, ...) const float a = *emulate_shim::shared<const float>(__VA_ARGS__)
#define shoal_store_shared_float(address, offset, a) EMULATE_STORE(float, shared, a, address, offset)
#define shoal_load_shared_float2(...) EMULATE_LOAD_2(float, shared, __VA_ARGS__)
#define shoal_load_global_float2(...) EMULATE_LOAD_2(float, global, __VA_ARGS__)
#define shoal_load_unwritten_float2(...) EMULATE_LOAD_2(float, global, __VA_ARGS__)
#define shoal_store_shared_float2(address, offset, ...) \
  EMULATE_STORE(float2, shared, make_float2(__VA_ARGS__), address, offset)
#define shoal_store_global_float2(address, offset, ...) \
  EMULATE_STORE(float2, global, make_float2(__VA_ARGS__), address, offset)
#define shoal_load_shared_float4(...) EMULATE_LOAD_4(float, shared, __VA_ARGS__)
#define shoal_load_global_float4(...) EMULATE_LOAD_4(float, global, __VA_ARGS__)
#define shoal_load_unwritten_float4(...) EMULATE_LOAD_4(float, global, __VA_ARGS__)
#define shoal_store_shared_float4(address, offset, ...) \
  EMULATE_STORE(float4, shared, make_float4(__VA_ARGS__), address, offset)
#define shoal_store_global_float4(address, offset, ...) \
  EMULATE_STORE(float4, global, make_float4(__VA_ARGS__), address, offset)
#define shoal_load_shared_int(a, ...) const int a = *emulate_shim::shared<const int>(__VA_ARGS__)
#define shoal_store_shared_int(address, offset, a) EMULATE_STORE(int, shared, a, address, offset)
#define shoal_load_shared_int2(...) EMULATE_LOAD_2(int, shared, __VA_ARGS__)
#define shoal_load_global_int2(...) EMULATE_LOAD_2(int, global, __VA_ARGS__)
#define shoal_load_unwritten_int2(...) EMULATE_LOAD_2(int, global, __VA_ARGS__)
#define shoal_store_shared_int2(address, offset, ...) \
  EMULATE_STORE(int2, shared, make_int2(__VA_ARGS__), address, offset)
#define shoal_store_global_int2(address, offset, ...) \
  EMULATE_STORE(int2, global, make_int2(__VA_ARGS__), address, offset)
#define shoal_load_shared_int4(...) EMULATE_LOAD_4(int, shared, __VA_ARGS__)
#define shoal_load_global_int4(...) EMULATE_LOAD_4(int, global, __VA_ARGS__)
#define shoal_load_unwritten_int4(...) EMULATE_LOAD_4(int, global, __VA_ARGS__)
#define shoal_store_shared_int4(address, offset, ...) \
  EMULATE_STORE(int4, shared, make_int4(__VA_ARGS__), address, offset)
#define shoal_store_global_int4(address, offset, ...) \
  EMULATE_STORE(int4, global, make_int4(__VA_ARGS__), address, offset)
#define threadIdx emulate_host.thread_index
#define blockIdx emulate_host.block_index
#define blockDim emulate_host.block_size
#define gridDim emulate_host.grid_size
#define shoal_block_again() (int)blockIdx.x
#define shoal_thread_again() (int)threadIdx.x
