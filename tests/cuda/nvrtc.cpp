// NVRTC: every sample kernel compiles for every architecture in use; what is refused is refused with reasons.
#include "runtime/cuda/nvrtc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "compiler/emit/emit.h"
#include "compiler/support/error.h"
#include "tests/emit/cuda_kernels.h"

namespace shoal::cuda {
namespace {

using testing::HasSubstr;

// The reason in `why` when there is no NVRTC on this machine.
std::unique_ptr<Nvrtc> find_nvrtc(std::string& why) {
  try {
    return std::make_unique<Nvrtc>();
  } catch (const RuntimeError& error) {
    why = error.what();
    return nullptr;
  }
}

class NvrtcTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    nvrtc = find_nvrtc(why);
    if (!nvrtc) GTEST_SKIP() << why;
  }
  std::unique_ptr<Nvrtc> nvrtc;
};

constexpr const char* small = "extern \"C\" __global__ void k(float* x) { x[threadIdx.x] += 1.0f; }\n";

TEST_F(NvrtcTest, CompilesEverySampleForEveryArchitecture) {
  for (const auto& sample : cuda_kernels::all_samples())
    for (int sm : {80, 90, 120}) {
      const CompiledImage image = nvrtc->compile(emit::cuda(sample.kernel), sm);
      EXPECT_FALSE(image.bytes.empty()) << sample.name;
      const bool known = std::ranges::count(nvrtc->architectures(), sm) != 0;
      EXPECT_EQ(image.kind == CompiledImage::Kind::cubin, known) << sample.name << " " << image.architecture;
      EXPECT_EQ(image.bytes.starts_with("\177ELF"), known) << sample.name;
      // Random kernels leave values unused, which NVRTC remarks on; the written ones must pass in silence.
      if (!sample.name.starts_with("random")) {
        EXPECT_EQ(image.log, "") << sample.name;
      }
    }
}

TEST_F(NvrtcTest, TheSameSourceGivesTheSameImage) {
  EXPECT_EQ(nvrtc->compile(small, 90).bytes, nvrtc->compile(small, 90).bytes);
}

TEST_F(NvrtcTest, AnUnknownNewArchitectureGetsPtxOfTheHighestBelow) {
  const CompiledImage image = nvrtc->compile(small, 999);
  EXPECT_EQ(image.kind, CompiledImage::Kind::ptx);
  EXPECT_EQ(image.architecture, "compute_" + std::to_string(nvrtc->architectures().back()));
  EXPECT_THAT(image.bytes, HasSubstr(".entry k("));
  EXPECT_NE(image.bytes.back(), '\0');
}

TEST_F(NvrtcTest, AnArchitectureBelowAllIsRefusedWithTheKnownOnes) {
  try {
    nvrtc->compile(small, 35);
    FAIL() << "compiled";
  } catch (const SpecError& error) {
    EXPECT_THAT(error.what(), HasSubstr("sm_" + std::to_string(nvrtc->architectures().front())));
    EXPECT_THAT(error.what(), HasSubstr("got sm_35"));
  }
}

TEST_F(NvrtcTest, PtxKeepsContractionOffAndFlushesDenormals) {
  const std::string ptx = nvrtc->ptx(
      "extern \"C\" __global__ void k(float* x) { x[0] = x[1] * x[2] + x[3]; x[4] = __fmaf_rn(x[5], x[6], x[7]); }\n",
      90);
  // .rn on both: without it ptxas would be free to contract them.
  EXPECT_THAT(ptx, HasSubstr("mul.rn.ftz.f32"));
  EXPECT_THAT(ptx, HasSubstr("add.rn.ftz.f32"));
  EXPECT_THAT(ptx, HasSubstr("fma.rn.ftz.f32"));
}

TEST_F(NvrtcTest, DivisionAndRootHaveNoBranches) {
  const std::string ptx = nvrtc->ptx(emit::cuda(cuda_kernels::float_arithmetic().kernel), 90);
  EXPECT_THAT(ptx, HasSubstr("rcp.approx.ftz.f32"));
  EXPECT_THAT(ptx, HasSubstr("rsqrt.approx.ftz.f32"));
  EXPECT_THAT(ptx, Not(HasSubstr("div.")));
  EXPECT_THAT(ptx, Not(HasSubstr(".f64")));
}

TEST_F(NvrtcTest, RefusedSourceCarriesLogAndNumberedText) {
  try {
    nvrtc->compile("// one\nextern \"C\" __global__ void k() { nonsense(); }\n", 90);
    FAIL() << "compiled";
  } catch (const CompileError& error) {
    EXPECT_THAT(error.log, HasSubstr("nonsense"));
    EXPECT_THAT(error.source, HasSubstr("   2  extern"));
  }
}

TEST_F(NvrtcTest, CompilesFromSeveralThreadsAtOnce) {
  const std::string expected = nvrtc->compile(small, 80).bytes;
  std::vector<std::future<std::string>> images;
  for (int i = 0; i < 4; i++)
    images.push_back(std::async(std::launch::async, [&] { return nvrtc->compile(small, 80).bytes; }));
  for (auto& image : images) EXPECT_EQ(image.get(), expected);
}

TEST_F(NvrtcTest, OptionsTextNamesWhatChangesCode) {
  const std::string text = nvrtc->options_text(90, {"--maxrregcount=64"});
  for (const char* part : {"=sm_90", "--fmad=false", "--ftz=true", "--std=c++17", "--maxrregcount=64"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(NvrtcMissing, SaysWhatWasLookedFor) {
  try {
    Nvrtc nvrtc("/nonexistent/libnvrtc.so.13");
    FAIL() << "opened";
  } catch (const RuntimeError& error) {
    EXPECT_STREQ(error.what(), "NVRTC cannot be opened: /nonexistent/libnvrtc.so.13 not found");
  }
}

}  // namespace
}  // namespace shoal::cuda
