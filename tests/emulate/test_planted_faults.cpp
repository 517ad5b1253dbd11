// The emulator against kernels with one planted fault each, and against clean ones: it must name the kind and the line.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <ostream>
#include <string>

#include "compiler/support/error.h"
#include "tests/emulate/emulate.h"

namespace shoal::emulate {
namespace {

constexpr int block = 64;

std::string kernel(const std::string& body) {
  return "extern \"C\" __global__ void __launch_bounds__(64) k(float* out, const float* __restrict__ in) {\n"
         "  extern __shared__ float4 shoal_arena[];\n"
         "  float* const smem = (float*)shoal_arena; const unsigned arena = __cvta_generic_to_shared(smem);\n"
         "  const int t = (int)threadIdx.x;\n" +
         body + "}\n";
}

// The source line that holds the marker, for the line a fault must be reported at.
int line_of(const std::string& text, const std::string& marker) {
  const size_t at = text.find(marker);
  return at == std::string::npos
             ? -1
             : 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<long>(at), '\n'));
}

Report run(Program& program, int grid = 1, uint64_t seed = 0) {
  std::vector<float> out(block * 2, 0.0f), in(block * 2);
  std::iota(in.begin(), in.end(), 0.0f);
  return program.launch(grid, block, block * sizeof(float), {buffer("out", out), read_only("in", in)}, seed);
}

struct Planted {
  const char* name;
  FaultKind kind;
  std::string body;
  const char* marker = "HERE";
  int grid = 1;
};

void PrintTo(const Planted& fault, std::ostream* out) { *out << fault.name; }

class PlantedFault : public testing::TestWithParam<Planted> {
 protected:
  static inline int found_ = 0;
  static void TearDownTestSuite() { fmt::print("count: {} planted faults found\n", found_); }
};

TEST_P(PlantedFault, IsReportedWithKindAndLine) {
  const Planted& fault = GetParam();
  const std::string text = kernel(fault.body);
  Program program = compile(text, "k");
  for (uint64_t seed = 0; seed < 3; seed++) {  // whichever adversary begins
    const Report report = run(program, fault.grid, seed);
    bool found = false;
    for (const Fault& f : report.faults) found |= f.kind == fault.kind && f.line == line_of(text, fault.marker);
    EXPECT_TRUE(found) << "seed " << seed << "\n" << text << report.text();
  }
  if (!HasFailure()) ++found_;
}

const std::vector<Planted> planted{
    {"MissingSyncthreads", FaultKind::race,
     "  smem[t] = 1;\n  __syncthreads();\n  smem[t] = in[t]; /*HERE*/\n  out[t] = smem[63 - t]; /*HERE2*/\n", "HERE2"},
    {"UnsyncedFirstRead", FaultKind::uninitialised,
     "  if (t < 32) smem[t] = in[t];\n  __syncthreads();\n  out[t] = smem[t]; /*HERE*/\n"},
    {"MissingSyncwarp", FaultKind::race,
     "  smem[t] = 0;\n  __syncwarp();\n  smem[t] = in[t];\n"
     "  const float a = __shfl_xor_sync(0xffffffffu, in[t], 1);\n  out[t] = a + smem[t ^ 1]; /*HERE*/\n"},
    {"WriteAfterRead", FaultKind::race,
     "  smem[t] = in[t];\n  __syncthreads();\n  const float v = smem[63 - t];\n  smem[t] = v; /*HERE*/\n  out[t] = "
     "v;\n"},
    {"WriteAfterWrite", FaultKind::race,
     "  smem[t / 2] = in[t]; /*HERE*/\n  __syncthreads();\n  out[t] = smem[t / 2];\n"},
    {"HalfWarpMask", FaultKind::race,
     "  const unsigned m = t & 16 ? 0xffff0000u : 0x0000ffffu;\n  smem[t] = 0;\n  __syncthreads();\n  smem[t] = "
     "in[t];\n"
     "  __syncwarp(m);\n  out[t] = smem[t ^ 16]; /*HERE*/\n"},
    {"SyncwarpForTheWholeGroup", FaultKind::race,
     "  smem[t] = 0;\n  __syncthreads();\n  smem[t] = in[t];\n  __syncwarp();\n  out[t] = smem[t ^ 32]; /*HERE*/\n"},
    {"EarlyExit", FaultKind::deadlock, "  if (t < 40) {\n    __syncthreads(); /*HERE*/\n  }\n  out[t] = in[t];\n"},
    {"TwoBarrierSites", FaultKind::divergent,
     "  if (t < 32) {\n    __syncthreads();\n    out[t] = 1;\n  } else {\n    __syncthreads(); /*HERE*/\n    out[t] = "
     "in[t];\n  }\n"},
    {"HalfOfAShuffle", FaultKind::deadlock,
     "  float v = in[t];\n  if (t % 2 == 0) {\n    v = __shfl_xor_sync(0xffffffffu, v, 2); /*HERE*/\n  }\n  out[t] = "
     "v;\n"},
    {"HalfOfAProduct", FaultKind::deadlock,
     "  float a, b, c, d;\n  const float v = in[t];\n  if (t % 2 == 0) {\n"
     "    shoal_mma_tf32(a, b, c, d, v, v, v, v, v, v, v, v, v, v); /*HERE*/\n    out[t] = a + b + c + d;\n  }\n"},
    // A product is no fence: what lanes exchange through memory around it needs one of its own.
    {"MissingSyncwarpBehindAProduct", FaultKind::race,
     "  smem[t] = 0;\n  __syncwarp();\n  smem[t] = in[t];\n  float a, b, c, d;\n  const float v = in[t];\n"
     "  shoal_mma_tf32(a, b, c, d, v, v, v, v, v, v, v, v, v, v);\n"
     "  out[t] = a + b + c + d + smem[t ^ 1]; /*HERE*/\n"},
    {"ShuffleReadsOutsideItsMask", FaultKind::lane_operation,
     "  float v = in[t];\n  if ((t & 31) < 16) {\n    v = __shfl_xor_sync(0x0000ffffu, v, 16); /*HERE*/\n  }\n  out[t] "
     "= v;\n"},
    {"CallerOutsideTheMask", FaultKind::lane_operation, "  __syncwarp(0x0000ffffu); /*HERE*/\n  out[t] = in[t];\n"},
    {"SharedOutOfBounds", FaultKind::out_of_bounds,
     "  smem[t + 1] = in[t]; /*HERE*/\n  __syncthreads();\n  out[t] = in[t];\n"},
    {"GlobalOutOfBoundsWrite", FaultKind::out_of_bounds, "  out[t + (t == 63) * 65] = in[t]; /*HERE*/\n"},
    {"GlobalOutOfBoundsRead", FaultKind::out_of_bounds, "  out[t] = in[t - 1]; /*HERE*/\n"},
    {"WideReadOverTheEnd", FaultKind::out_of_bounds,
     "  const float4 q = *(const float4*)&in[t * 4]; /*HERE*/\n  out[t] = q.w;\n"},
    {"FarAway", FaultKind::out_of_bounds, "  out[t] = in[(t + 1) * 100000000ll]; /*HERE*/\n"},
    {"MisalignedWideRead", FaultKind::misaligned,
     "  const float4 q = *(const float4*)&in[t % 2]; /*HERE*/\n  out[t] = q.x + q.y + q.z + q.w;\n"},
    {"MisalignedWideWrite", FaultKind::misaligned,
     "  if (t == 0) *(float2*)&out[1] = make_float2(in[0], in[1]); /*HERE*/\n"},
    {"WriteToReadOnly", FaultKind::read_only, "  ((float*)in)[t] = 1; /*HERE*/\n"},
    {"TwoBlocksWriteOneWord", FaultKind::race, "  out[t] = (float)(int)blockIdx.x; /*HERE*/\n", "HERE", 2},
    {"OneBlockReadsAnothers", FaultKind::race,
     "  out[(int)blockIdx.x * 64 + t] = in[t];\n  out[(int)blockIdx.x * 64 + t] += out[t]; /*HERE*/\n", "HERE", 2},
    // The same through the functions that are PTX on the device.
    {"SharedFunctionsWithoutBarrier", FaultKind::race,
     "  shoal_store_shared_float(arena + t * 4, 0, in[t]);\n  shoal_load_shared_float(a, arena + (t ^ 1) * 4, 0); "
     "/*HERE*/\n"
     "  out[t] = a;\n"},
    {"SharedFunctionReadsUninitialised", FaultKind::uninitialised,
     "  if (t == 0) { shoal_store_shared_float2(arena, 0, in[0], in[1]); }\n  __syncthreads();\n"
     "  shoal_load_shared_float4(a, b, c, d, arena, 0); /*HERE*/\n  out[t] = a + b + c + d;\n"},
    {"SharedFunctionMisaligned", FaultKind::misaligned,
     "  smem[t] = in[t];\n  __syncthreads();\n  shoal_load_shared_float4(a, b, c, d, arena, 8); /*HERE*/\n"
     "  out[t] = a + b + c + d;\n"},
    {"SharedFunctionStoresMisaligned", FaultKind::misaligned,
     "  if (t == 0) {\n    shoal_store_shared_int2(arena + 4, 16, 1, 2); /*HERE*/\n  }\n  out[t] = in[t];\n"},
    {"SharedFunctionOutOfBounds", FaultKind::out_of_bounds,
     "  shoal_store_shared_float(arena + t * 4, 4, in[t]); /*HERE*/\n  out[t] = in[t];\n"},
    {"GlobalFunctionOutOfBounds", FaultKind::out_of_bounds,
     "  if (t == 0) {\n    shoal_load_unwritten_float4(a, b, c, d, in + 64, 256); /*HERE*/\n"
     "    shoal_store_global_float4(out, 0, a, b, c, d);\n  }\n"},
    {"GlobalFunctionMisaligned", FaultKind::misaligned,
     "  if (t == 0) {\n    shoal_store_global_float2(out + 1, 8, in[0], in[1]); /*HERE*/\n  }\n"},
    {"SharedFunctionBelow", FaultKind::out_of_bounds,
     "  if (t == 0) {\n    shoal_load_shared_int(a, arena, -4); /*HERE*/\n    out[t] = (float)a;\n  }\n"},
};

INSTANTIATE_TEST_SUITE_P(All, PlantedFault, testing::ValuesIn(planted),
                         [](const auto& fault) { return std::string(fault.param.name); });

const std::string block_sum =
    "  smem[t] = in[(int)blockIdx.x * 64 + t];\n  __syncthreads();\n  float v = smem[63 - t];\n"
    "  #pragma unroll 1\n  for (int o = 16; o > 0; o /= 2) {\n    v += __shfl_xor_sync(0xffffffffu, v, o);\n  }\n"
    "  __syncthreads();\n  if ((t & 31) == 0) smem[t / 32] = v;\n  __syncthreads();\n"
    "  out[(int)blockIdx.x * 64 + t] = smem[0] + smem[1];\n";

TEST(CleanKernel, BlockSumIsCleanAndRightCheckedAndUnchecked) {
  for (const bool checked : {true, false}) {
    Program program = compile(kernel(block_sum), "k", {.check = checked});
    for (uint64_t seed = 0; seed < 6; seed++) {
      std::vector<float> out(128), in(128);
      std::iota(in.begin(), in.end(), 0.0f);
      const Report report = program.launch(2, 64, 256, {buffer("out", out), read_only("in", in)}, seed);
      EXPECT_TRUE(report.clean()) << report.text();
      EXPECT_EQ(report.accesses > 0, checked);
      // 0 + ... + 63 and 64 + ... + 127: small integers, so any order of summation is exact.
      for (int t = 0; t < 64; t++) EXPECT_EQ(out[t], 2016.0f);
      for (int t = 64; t < 128; t++) EXPECT_EQ(out[t], 6112.0f);
    }
  }
}

TEST(CleanKernel, WarpExchangeUnderSyncwarpIsClean) {
  Program program =
      compile(kernel("  smem[t] = in[t];\n  __syncwarp();\n  const float v = smem[t ^ 1];\n  __syncwarp();\n"
                     "  smem[t] = v;\n  __syncwarp();\n  out[t] = smem[t ^ 3];\n"),
              "k");
  for (uint64_t seed = 0; seed < 6; seed++) {
    const Report report = run(program, 1, seed);
    EXPECT_TRUE(report.clean()) << report.text();
  }
}

TEST(CleanKernel, ReadsOfOneWordByAllThreadsAreNoRace) {
  Program program = compile(kernel("  if (t == 5) smem[0] = in[7];\n  __syncthreads();\n  out[t] = smem[0];\n"), "k");
  const Report report = run(program);
  EXPECT_TRUE(report.clean()) << report.text();
}

TEST(Compile, RefusedTextCarriesLogAndNumberedSource) {
  try {
    compile(kernel("  out[t] = nonsense;\n"), "k");
    FAIL() << "compiled";
  } catch (const CompileError& e) {
    EXPECT_NE(e.log.find("nonsense"), std::string::npos) << e.log;
    EXPECT_NE(e.source.find("   5    out[t] = nonsense;"), std::string::npos) << e.source;
  }
}

TEST(Compile, StaticSharedArraysAreRefused) {
  EXPECT_THROW(compile(kernel("  __shared__ float part[2];\n  part[0] = 1;\n"), "k"), CompileError);
}

TEST(Launch, DenormalsAreFlushedAsOnTheDevice) {
  Program program = compile(kernel("  out[t] = in[t] * 0.5f;\n"), "k");
  std::vector<float> out(64, 1.0f), in(64, 1.17549435e-38f);  // the smallest normal number: half of it is denormal
  EXPECT_TRUE(program.launch(1, 64, 0, {buffer("out", out), read_only("in", in)}).clean());
  for (float v : out) EXPECT_EQ(v, 0.0f);
  volatile float smallest = 1.17549435e-38f;
  EXPECT_GT(smallest * 0.5f, 0.0f) << "the mode leaked into the caller";
}

TEST(Launch, NeverWrittenSharedMemoryReadsAsNaN) {
  Program program = compile(kernel("  out[t] = smem[t];\n"), "k", {.check = false});
  std::vector<float> out(64, 0.0f), in(64, 0.0f);
  program.launch(1, 64, 256, {buffer("out", out), read_only("in", in)});
  for (float v : out) EXPECT_NE(v, v);
}

}  // namespace
}  // namespace shoal::emulate
