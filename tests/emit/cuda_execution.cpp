// The emitted CUDA text, run by the emulator, against the kernel interpreter: bitwise, under every order of threads.
#include <gtest/gtest.h>

#include "compiler/emit/emit.h"
#include "tests/emit/cuda_run_both.h"
#include "tests/emulate/emulate.h"

namespace shoal {
namespace {

using cuda_kernels::Buffers;
using cuda_kernels::Sample;

class CudaText : public testing::TestWithParam<Sample> {};

TEST_P(CudaText, RunsAsTheInterpreterDoes) { cuda_kernels::expect_runs_as_interpreted(GetParam()); }

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
