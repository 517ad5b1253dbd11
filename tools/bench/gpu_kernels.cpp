// Their text. Results go to memory, so that no compiler drops the work; nothing else does.
#include "tools/bench/gpu_kernels.h"

#include <fmt/format.h>

namespace shoal::bench {
namespace {

constexpr int threads = 256;

Module module_of(const Target& target, const std::string& name, std::string source,
                 const std::vector<kernel::Buffer>& buffers, int64_t groups) {
  Module m;
  m.target = target;
  m.kernel.name = name;
  m.kernel.lanes = 32;
  m.kernel.warps = threads / 32;
  m.kernel.buffers = buffers;
  m.kernel.scalars = m.scalars = {"rounds"};
  m.source = std::move(source);
  m.groups = groups;
  return m;
}

kernel::Buffer global(const char* name, bool written) {
  return {name, kernel::Space::global, kernel::Type::f32, 0, 0, written};
}

// Which of 32 rows of 16 bytes a lane reads: two quarter warps are served together where their lanes share addresses.
const char* row_of(SharedLoads pattern) {
  switch (pattern) {
    case SharedLoads::distinct: return "lane";
    case SharedLoads::neighbours_share: return "lane >> 1";
    case SharedLoads::every_other_shares: return "(lane & 1) | ((lane & ~3) >> 1)";
    case SharedLoads::all_share: return "0";
  }
  return "lane";
}

}  // namespace

Module gpu_fma(const Target& target) {
  constexpr int chains = 16;  // independent: two multiply-adds of each scheduler's four cycles in flight
  std::string text =
      "extern \"C\" __global__ void __launch_bounds__(256) shoal_multiply_adds(float* out, int rounds) {\n";
  text += "  const float scale = 0.999f, offset = (float)threadIdx.x * 0.001f;\n";
  for (int c = 0; c < chains; ++c) text += fmt::format("  float a{} = {}.0f;\n", c, c);
  text += "  #pragma unroll 1\n  for (int r = 0; r < rounds; r++) {\n";
  for (int i = 0; i < fma_per_round; ++i)
    text += fmt::format("    a{0} = __fmaf_rn(a{0}, scale, offset);\n", i % chains);
  text += "  }\n  float sum = 0.0f;\n";
  for (int c = 0; c < chains; ++c) text += fmt::format("  sum += a{};\n", c);
  text += "  out[threadIdx.x] = sum;\n}\n";
  return module_of(target, "shoal_multiply_adds", std::move(text), {global("out", true)}, int64_t{target.workers} * 8);
}

Module gpu_copy(const Target& target) {
  std::string text =
      "extern \"C\" __global__ void __launch_bounds__(256) shoal_copy(const float* __restrict__ from, float* to, int "
      "rounds) {\n"
      "  const float4* const source = (const float4*)from;\n"
      "  float4* const target = (float4*)to;\n"
      "  #pragma unroll 4\n"
      "  for (int block = (int)blockIdx.x; block < rounds; block += (int)gridDim.x) {\n"
      "    const int i = block * 256 + (int)threadIdx.x;\n"
      "    target[i] = source[i];\n"
      "  }\n}\n";
  return module_of(target, "shoal_copy", std::move(text), {global("from", false), global("to", true)},
                   int64_t{target.workers} * 8);
}

Module gpu_shared_loads(const Target& target, SharedLoads pattern) {
  std::string text =
      "extern \"C\" __global__ void __launch_bounds__(256) shoal_shared_loads(float* out, int rounds) {\n"
      "  extern __shared__ float4 shoal_arena[];\n"
      "  const int lane = (int)threadIdx.x % 32;\n"
      "  for (int i = (int)threadIdx.x; i < 1024; i += 256) shoal_arena[i] = make_float4(1.0f, 2.0f, 3.0f, 4.0f);\n"
      "  __syncthreads();\n";
  text += fmt::format("  const float4* const row = shoal_arena + ({});\n", row_of(pattern));
  text +=
      "  float x = 0.0f, y = 0.0f, z = 0.0f, w = 0.0f;\n"
      "  #pragma unroll 1\n"
      "  for (int r = 0; r < rounds; r++) {\n"
      "    const float4* const some = row + (r & 1) * 32;  // so that no load is the one before\n";
  for (int i = 0; i < loads_per_round; ++i)
    text += fmt::format("    {{ const float4 v = some[{}]; x += v.x; y += v.y; z += v.z; w += v.w; }}\n", i % 30 * 32);
  text += "  }\n  out[threadIdx.x] = x + y + z + w;\n}\n";
  Module m =
      module_of(target, "shoal_shared_loads", std::move(text), {global("out", true)}, int64_t{target.workers} * 4);
  m.kernel.shared_elements = 4096;
  return m;
}

}  // namespace shoal::bench
