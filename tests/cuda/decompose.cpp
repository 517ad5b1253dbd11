// The decomposed functions as CUDA text: bitwise what the interpreter computes, and accepted by NVRTC.
#include "compiler/lower/decompose.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <random>

#include "compiler/emit/emit.h"
#include "compiler/support/error.h"
#include "runtime/cuda/nvrtc.h"
#include "tests/emit/cuda_run_both.h"

namespace shoal::cuda {
namespace {

using kernel::Builder;
using kernel::Op;
using kernel::Type;
using lower::Functions;

constexpr int groups = 64, threads = groups * 32;

cuda_kernels::Sample sample_of(const char* name, Type type, std::vector<uint32_t> words) {
  cuda_kernels::Sample s;
  s.name = s.kernel.name = name;
  s.kernel.lanes = 32;
  s.groups = groups;
  s.kernel.buffers = {{.name = "in", .type = type, .size = threads}, {.name = "result", .type = type, .size = threads}};
  s.buffers = {std::move(words), std::vector<uint32_t>(threads)};
  return s;
}

int32_t thread_index(Builder& b) {
  return b.emit(Op::add, b.emit(Op::mul, b.leaf(Op::group), b.constant_i32(32)), b.leaf(Op::lane));
}

cuda_kernels::Sample function(const char* name, Prim prim, Functions functions = Functions::accurate) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> near(-12, 12);
  std::vector<uint32_t> words;
  const float infinity = std::numeric_limits<float>::infinity();
  for (float special :
       {0.0f, -0.0f, infinity, -infinity, std::numeric_limits<float>::quiet_NaN(), 1.0f, -1.0f, 88.8f, -104.0f})
    words.push_back(std::bit_cast<uint32_t>(special));
  while (words.size() < threads / 2) words.push_back(std::bit_cast<uint32_t>(near(random)));
  while (words.size() < threads) {
    const float any = std::bit_cast<float>(static_cast<uint32_t>(random()));
    // sin and cos reduce arguments up to 1e4; beyond, the conversion to an integer is nobody's promise.
    const bool reduces = prim == Prim::sin || prim == Prim::cos;
    words.push_back(std::bit_cast<uint32_t>(reduces && !(std::abs(any) <= 1e4f) ? near(random) : any));
  }
  if (prim == Prim::sin || prim == Prim::cos) words[2] = words[3] = words[4] = 0;
  cuda_kernels::Sample s = sample_of(name, Type::f32, std::move(words));
  Builder b(s.kernel);
  const int32_t thread = thread_index(b);
  const int32_t args[3] = {b.load(0, -1, thread, 0), -1, -1};
  b.store(1, -1, thread, 0, lower::decompose(b, prim, args, 0, functions));
  return s;
}

cuda_kernels::Sample shuffle() {
  std::vector<uint32_t> words(threads);
  for (uint32_t i = 0; i < threads; i++) words[i] = i % 1000;
  cuda_kernels::Sample s = sample_of("shuffle", Type::i32, std::move(words));
  Builder b(s.kernel);
  const int32_t thread = thread_index(b);
  const int32_t args[3] = {b.load(0, -1, thread, 0), b.constant_i32(0x12345678), thread};
  b.store(1, -1, thread, 0, lower::decompose(b, Prim::shuffle, args, 1000));
  return s;
}

std::vector<cuda_kernels::Sample> functions() {
  return {function("exp_", Prim::exp),
          function("log_", Prim::log),
          function("tanh_", Prim::tanh),
          function("tanh_by_exp2", Prim::tanh, Functions::gpu),
          function("fast_exp", Prim::exp, Functions::gpu_fast),
          function("fast_tanh", Prim::tanh, Functions::gpu_fast),
          function("sigmoid_", Prim::sigmoid),
          function("sigmoid_by_exp2", Prim::sigmoid, Functions::gpu),
          function("erf_", Prim::erf),
          function("sin_", Prim::sin),
          function("cos_", Prim::cos),
          shuffle()};
}

class Decomposed : public testing::TestWithParam<cuda_kernels::Sample> {};

TEST_P(Decomposed, RunsAsTheInterpreterDoes) { cuda_kernels::expect_runs_as_interpreted(GetParam()); }

TEST_P(Decomposed, IsAcceptedByNvrtc) {
  std::unique_ptr<Nvrtc> nvrtc;
  try {
    nvrtc = std::make_unique<Nvrtc>();
  } catch (const RuntimeError& error) {
    GTEST_SKIP() << error.what();
  }
  const CompiledImage image = nvrtc->compile(emit::cuda(GetParam().kernel), 90);
  EXPECT_EQ(image.log, "");
  EXPECT_TRUE(image.bytes.starts_with("\177ELF"));
}

INSTANTIATE_TEST_SUITE_P(Functions, Decomposed, testing::ValuesIn(functions()),
                         [](const auto& sample) { return sample.param.name; });

}  // namespace
}  // namespace shoal::cuda

namespace shoal::cuda_kernels {
void PrintTo(const Sample& sample, std::ostream* out);
void PrintTo(const Sample& sample, std::ostream* out) { *out << sample.name; }
}  // namespace shoal::cuda_kernels
