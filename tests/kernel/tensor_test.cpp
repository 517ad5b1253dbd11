// Tensor cores: rounding, products against matrices multiplied in double, and what the verifier refuses.
#include "compiler/kernel/tensor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "compiler/support/error.h"
#include "compiler/support/half.h"
#include "tests/kernel/sample_kernels.h"

namespace shoal::kernel {
namespace {

TEST(Tensor, Tf32RoundsToTheNearestAndTiesAway) {
  const float ulp = 0x1p-10f;  // of 1
  EXPECT_EQ(round_tf32(1.0f + ulp / 2), 1.0f + ulp);
  EXPECT_EQ(round_tf32(-1.0f - ulp / 2), -1.0f - ulp);
  EXPECT_EQ(round_tf32(1.0f + ulp * 1.5f), 1.0f + 2 * ulp);
  EXPECT_EQ(round_tf32(std::nextafter(1.0f + ulp / 2, 0.0f)), 1.0f);
  EXPECT_EQ(round_tf32(2.0f - 0x1p-23f), 2.0f);
  EXPECT_TRUE(std::signbit(round_tf32(-0.0f)));
  EXPECT_EQ(round_tf32(INFINITY), INFINITY);
  EXPECT_EQ(round_tf32(std::bit_cast<float>(0x7f7fffffu)), INFINITY);
  for (uint32_t nan : {0x7fffffffu, 0x7fc00000u, 0xffffffffu})
    EXPECT_TRUE(std::isnan(round_tf32(std::bit_cast<float>(nan)))) << nan;
}

struct Matrices {
  std::vector<float> a, b, c, d = std::vector<float>(128);
};

Matrices random_matrices(int64_t depth, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> value(-2, 2);
  Matrices m;
  for (int64_t i = 0; i < 16 * depth; ++i) m.a.push_back(value(random));
  for (int64_t i = 0; i < 8 * depth; ++i) m.b.push_back(value(random));
  for (int64_t i = 0; i < 128; ++i) m.c.push_back(value(random));
  return m;
}

void run(const Kernel& kernel, Matrices& m) {
  std::vector<Memory> memory;
  for (std::vector<float>* of : {&m.a, &m.b, &m.c, &m.d})
    memory.push_back({of->data(), static_cast<int64_t>(of->size())});
  interpret(kernel, 0, 1, memory, {});
}

// Largest error of D, in units of what f32 sums may be off: a rounding of the largest partial sum for each product.
double error_of(const Matrices& m, int64_t depth, float (*rounded)(float)) {
  double worst = 0;
  for (int64_t row = 0; row < 16; ++row)
    for (int64_t column = 0; column < 8; ++column) {
      double sum = m.c[row * 8 + column], size = std::abs(sum);
      for (int64_t k = 0; k < depth; ++k) {
        double product = static_cast<double>(rounded(m.a[row * depth + k])) * rounded(m.b[k * 8 + column]);
        sum += product, size += std::abs(product);
      }
      worst = std::max(worst, std::abs(m.d[row * 8 + column] - sum) / (size * static_cast<double>(depth) * 0x1p-24));
    }
  return worst;
}

float as_bf16(float x) { return from_bf16(to_bf16(x)); }

TEST(Tensor, ProductsAreThoseOfMatrices) {
  for (bool bf16 : {false, true}) {
    const Kernel kernel = kernel_of_tensor_cores(bf16);
    verify(kernel, "test");
    Matrices m = random_matrices(bf16 ? 16 : 8, 3);
    run(kernel, m);
    EXPECT_LE(error_of(m, bf16 ? 16 : 8, bf16 ? as_bf16 : round_tf32), 1) << bf16;
  }
}

// A register in another one's place is seen: the test above can fail.
TEST(Tensor, ASwappedRegisterGivesAnotherProduct) {
  for (int operand : {0, 1, 2}) {
    Kernel kernel = kernel_of_tensor_cores(false);
    for (size_t i = 0; i < kernel.code.size(); ++i)
      if (kernel.code[i].op == Op::mma && kernel.code[i].imm == 0) {
        std::swap(kernel.code[i].args[operand], kernel.code[i + 1].args[operand]);
        break;
      }
    verify(kernel, "test");
    Matrices m = random_matrices(8, 3);
    run(kernel, m);
    EXPECT_GT(error_of(m, 8, round_tf32), 1000) << operand;
  }
}

TEST(Tensor, OperandsCountWithTheirUpperBits) {
  std::array<MmaLane, lanes_of_mma> lanes{};
  lanes[0].a[0] = std::bit_cast<uint32_t>(1.0f + 0x1p-11f + 0x1p-23f);
  lanes[0].b[0] = std::bit_cast<uint32_t>(1.0f);
  multiply_accumulate(lanes, false);
  EXPECT_EQ(lanes[0].c[0], 1.0f);
}

std::string refusal(const std::function<void(Kernel&)>& spoil) {
  Kernel kernel = kernel_of_tensor_cores(false);
  spoil(kernel);
  try {
    verify(kernel, "test");
  } catch (const InternalError& error) {
    return error.what();
  }
  return "accepted";
}

size_t head_of(const Kernel& kernel) {
  size_t head = 0;
  while (kernel.code[head].op != Op::mma) ++head;
  return head;
}

TEST(Tensor, TheVerifierRefusesHalfAProduct) {
  const auto expect_refused = [](const std::string& words, const std::function<void(Kernel&)>& spoil) {
    EXPECT_NE(refusal(spoil).find(words), std::string::npos) << refusal(spoil);
  };
  EXPECT_EQ(refusal([](Kernel&) {}), "accepted");
  expect_refused("the product is not complete", [](Kernel& k) { k.code[head_of(k) + 3].imm = 2; });
  expect_refused("the product is not complete", [](Kernel& k) { k.code.resize(head_of(k) + 2); });
  expect_refused("an operand of a product is another part of it", [](Kernel& k) {
    const size_t head = head_of(k);
    k.code[head + 1].args[2] = static_cast<int32_t>(head);
  });
  expect_refused("parts 0 and 1 have a register of B",
                 [](Kernel& k) { k.code[head_of(k) + 2].args[1] = k.code[head_of(k)].args[1]; });
  expect_refused("32 lanes multiply together", [](Kernel& k) { k.lanes = 16; });
  expect_refused("not all threads of the warp come here", [](Kernel& k) {
    // The product under a condition that differs from lane to lane.
    Kernel under = k;
    under.code.clear();
    Builder b(under);
    const int32_t zero = b.constant(0.0f);
    b.when(b.emit(Op::lt, b.leaf(Op::lane), b.constant_i32(7)));
    b.mma({zero, zero, zero, zero}, {zero, zero}, {zero, zero, zero, zero});
    b.end();
    k = under;
  });
}

TEST(Tensor, TheEstimateCountsProducts) {
  const Estimate tf32 = estimate(kernel_of_tensor_cores(false), {}), bf16 = estimate(kernel_of_tensor_cores(true), {});
  EXPECT_EQ(tf32.mma, 1);
  EXPECT_EQ(tf32.flops, 2 * 16 * 8 * 8);
  EXPECT_EQ(bf16.flops, 2 * 16 * 8 * 16);
}

}  // namespace
}  // namespace shoal::kernel
