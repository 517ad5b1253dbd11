// Runs a kernel through LLVM and through the interpreter on the same memory, and expects the same bits.
#include "run_both.h"

#include <bit>
#include <cmath>

namespace shoal::test {

using kernel::Kernel;

namespace {

// Zero of the same sign for a denormal.
uint32_t flushed(uint32_t bits) { return (bits & 0x7f800000u) == 0 ? bits & 0x80000000u : bits; }

}  // namespace

Words random_floats(size_t count, std::mt19937& random, bool specials) {
  static constexpr uint32_t special[] = {0x00000000, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000,
                                         0x00000001, 0x807fffff, 0x7f7fffff, 0x00800000, 0x3f800000};
  std::uniform_real_distribution<float> mantissa(-1.0f, 1.0f);
  std::uniform_int_distribution<int> exponent(-20, 20), kind(0, 4), which(0, 9);
  Words words;
  for (size_t k = 0; k < count; ++k) {
    const float ordinary = std::ldexp(mantissa(random), exponent(random));
    const bool is_special = specials && kind(random) == 0;
    words.push_back(is_special ? special[which(random)] : std::bit_cast<uint32_t>(ordinary));
  }
  return words;
}

Words random_ints(size_t count, std::mt19937& random) {
  Words words;
  for (size_t k = 0; k < count; ++k) words.push_back(uint32_t(random()));
  return words;
}

void expect_same(const Kernel& k, const std::vector<Words>& memory, const std::vector<int32_t>& scalars,
                 int32_t first_group, int32_t last_group, const emit::CpuFeatures& features) {
  kernel::verify(k, "test");
  std::vector<Words> expected = memory, found = memory;
  std::vector<kernel::Memory> views;
  for (Words& words : expected) {
    const int64_t bytes = kernel::element_bytes(k.buffers[views.size()].type);
    views.push_back({.data = words.data(), .elements = int64_t(words.size()) * 4 / bytes});
  }
  kernel::interpret(k, first_group, last_group, views, scalars);

  const std::string text = emit::llvm(k, features);
  SCOPED_TRACE(features.cpu + ", lanes " + std::to_string(k.lanes) + "\n" + kernel::print(k) + text);
  run_compiled(k, text, found, scalars, first_group, last_group, features);
  for (size_t b = 0; b < memory.size(); ++b) {
    for (size_t e = 0; e < memory[b].size(); ++e) {
      const uint32_t want = expected[b][e], got = found[b][e];
      const bool is_float = k.buffers[b].type == kernel::Type::f32;
      const bool both_nan = is_float && std::isnan(std::bit_cast<float>(want)) && std::isnan(std::bit_cast<float>(got));
      const bool both_zero = is_float && extrema_keep_denormals() && flushed(want) == flushed(got);
      ASSERT_TRUE(want == got || both_nan || both_zero)
          << "buffer " << k.buffers[b].name << " element " << e << std::hex << ": interpreter " << want << " ("
          << std::bit_cast<float>(want) << "), LLVM " << got << " (" << std::bit_cast<float>(got) << ")";
    }
  }
}

}  // namespace shoal::test
