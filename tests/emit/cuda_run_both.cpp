// The comparison of emitted CUDA text with the interpreter.
#include "tests/emit/cuda_run_both.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "compiler/emit/emit.h"

namespace shoal::cuda_kernels {
namespace {

bool same_word(const kernel::Buffer& buffer, uint32_t a, uint32_t b) {
  if (a == b) return true;
  return buffer.type == kernel::Type::f32 && std::isnan(std::bit_cast<float>(a)) && std::isnan(std::bit_cast<float>(b));
}

}  // namespace

Buffers interpret(const Sample& sample) {
  Buffers buffers = sample.buffers;
  std::vector<kernel::Memory> memory;
  for (auto& words : buffers) {
    const int64_t bytes = kernel::element_bytes(sample.kernel.buffers[memory.size()].type);
    memory.push_back({words.data(), static_cast<int64_t>(words.size()) * 4 / bytes});
  }
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

void expect_same(const Sample& sample, const Buffers& got, const Buffers& expected, const std::string& text) {
  for (size_t i = 0; i < got.size(); i++)
    for (size_t j = 0; j < got[i].size(); j++)
      ASSERT_TRUE(same_word(sample.kernel.buffers[i], got[i][j], expected[i][j]))
          << sample.name << ": " << sample.kernel.buffers[i].name << "[" << j << "] is " << std::hex << got[i][j]
          << ", interpreted " << expected[i][j] << "\n"
          << kernel::print(sample.kernel) << text;
}

void expect_runs_as_interpreted(const Sample& sample) {
  kernel::verify(sample.kernel, "test");
  const Buffers expected = interpret(sample);
  ASSERT_NE(expected, sample.buffers) << "the kernel writes nothing";
  const std::string text = emit::cuda(sample.kernel);
  emulate::Program program = emulate::compile(text, sample.kernel.name);
  for (uint64_t seed = 0; seed < 3; seed++) expect_same(sample, emulate_text(program, sample, seed), expected, text);
}

}  // namespace shoal::cuda_kernels
