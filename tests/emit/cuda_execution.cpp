// The emitted CUDA text, run by the emulator, against the kernel interpreter: bitwise, under every order of threads.
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/emit/emit.h"
#include "tests/emit/cuda_kernels.h"
#include "tests/emulate/emulate.h"

namespace shoal {
namespace {

using cuda_kernels::Sample;
using Buffers = std::vector<std::vector<uint32_t>>;

Buffers interpret(const Sample& sample) {
  Buffers buffers = sample.buffers;
  std::vector<kernel::Memory> memory;
  for (auto& words : buffers) memory.push_back({words.data(), static_cast<int64_t>(words.size())});
  kernel::interpret(sample.kernel, 0, sample.groups, memory, sample.scalars);
  return buffers;
}

Buffers emulate_text(emulate::Program& program, const Sample& sample, uint64_t seed) {
  Buffers buffers = sample.buffers;
  std::vector<emulate::Argument> arguments;
  for (size_t i = 0; i < buffers.size(); i++) {
    arguments.push_back(emulate::buffer(sample.kernel.buffers[i].name, buffers[i]));
    arguments.back().read_only = !sample.kernel.buffers[i].written;
  }
  for (int32_t value : sample.scalars) arguments.push_back(emulate::scalar(value));
  const int threads = sample.kernel.warps * sample.kernel.lanes;
  const emulate::Report report =
      program.launch(sample.groups, threads, sample.kernel.shared_elements * 4, arguments, seed);
  EXPECT_TRUE(report.clean()) << report.text();
  return buffers;
}

// NaNs are equal whatever their payload: IEEE leaves it open, and x86 and NVIDIA's hardware differ.
bool same_word(const kernel::Buffer& buffer, uint32_t a, uint32_t b) {
  if (a == b) return true;
  return buffer.type == kernel::Type::f32 && std::isnan(std::bit_cast<float>(a)) && std::isnan(std::bit_cast<float>(b));
}

void expect_same(const Sample& sample, const Buffers& got, const Buffers& expected, const std::string& text) {
  for (size_t i = 0; i < got.size(); i++)
    for (size_t j = 0; j < got[i].size(); j++)
      ASSERT_TRUE(same_word(sample.kernel.buffers[i], got[i][j], expected[i][j]))
          << sample.name << ": " << sample.kernel.buffers[i].name << "[" << j << "] is " << std::hex << got[i][j]
          << ", interpreted " << expected[i][j] << "\n"
          << kernel::print(sample.kernel) << text;
}

class CudaText : public testing::TestWithParam<Sample> {};

TEST_P(CudaText, RunsAsTheInterpreterDoes) {
  const Sample& sample = GetParam();
  kernel::verify(sample.kernel, "test");
  const Buffers expected = interpret(sample);
  ASSERT_NE(expected, sample.buffers) << "the kernel writes nothing";
  const std::string text = emit::cuda(sample.kernel);
  emulate::Program program = emulate::compile(text, sample.kernel.name);
  for (uint64_t seed = 0; seed < 3; seed++) expect_same(sample, emulate_text(program, sample, seed), expected, text);
}

INSTANTIATE_TEST_SUITE_P(Samples, CudaText, testing::ValuesIn(cuda_kernels::all_samples()),
                         [](const auto& sample) { return sample.param.name; });

TEST(CudaTextUnchecked, RunsAsTheInterpreterDoes) {
  const Sample sample = cuda_kernels::memory_spaces();
  const std::string text = emit::cuda(sample.kernel);
  emulate::Program program = emulate::compile(text, sample.kernel.name, {.check = false});
  expect_same(sample, emulate_text(program, sample, 1), interpret(sample), text);
}

// Many random kernels in turn: one text each, so the number is a matter of seconds.
TEST(CudaTextFuzz, RandomKernelsRunAsTheInterpreterDoes) {
  for (uint64_t seed = 100; seed < 130; seed++) {
    const Sample sample = cuda_kernels::random_program(seed);
    kernel::verify(sample.kernel, "test");
    const std::string text = emit::cuda(sample.kernel);
    emulate::Program program = emulate::compile(text, sample.kernel.name);
    expect_same(sample, emulate_text(program, sample, seed), interpret(sample), text);
    if (HasFailure()) return;
  }
}

// A barrier taken out of the kernel must show, or the checks above check nothing.
TEST(CudaTextMutation, EveryRemovedGroupBarrierIsNoticed) {
  const Sample whole = cuda_kernels::memory_spaces();
  const std::string text = emit::cuda(whole.kernel);
  size_t removed = 0;
  for (size_t at = 0; (at = text.find("__syncthreads();", at)) != std::string::npos; at++, removed++) {
    std::string mutant = text;
    mutant.replace(at, 16, "                ");
    emulate::Program program = emulate::compile(mutant, whole.kernel.name);
    Buffers buffers = whole.buffers;
    std::vector<emulate::Argument> arguments;
    for (auto& words : buffers) arguments.push_back(emulate::buffer("buffer", words));
    const auto report = program.launch(whole.groups, 64, whole.kernel.shared_elements * 4, arguments);
    EXPECT_FALSE(report.clean()) << mutant;
  }
  EXPECT_EQ(removed, 2u);
}

}  // namespace

namespace cuda_kernels {
void PrintTo(const Sample& sample, std::ostream* out);
void PrintTo(const Sample& sample, std::ostream* out) { *out << sample.name; }
}  // namespace cuda_kernels
}  // namespace shoal
