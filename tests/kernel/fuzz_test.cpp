// Damaged kernel text: SpecError, or a kernel that verify accepts or refuses, which then prints and is estimated.
#include <gtest/gtest.h>

#include <random>

#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"
#include "tests/kernel/sample_kernels.h"

namespace shoal::kernel {
namespace {

enum class Outcome { unreadable, refused, accepted };

Outcome handle(const std::string& text) {
  Kernel k;
  try {
    k = parse_kernel(text);
  } catch (const SpecError& error) {
    EXPECT_TRUE(error.place.starts_with("kernel:")) << error.place;
    return Outcome::unreadable;
  }
  const std::string printed = print(k);  // whether verified or not: dumps show broken kernels too
  EXPECT_EQ(print(parse_kernel(printed)), printed) << text;
  try {
    verify(k, "fuzz");
  } catch (const InternalError&) {
    return Outcome::refused;
  }
  try {
    estimate(k, std::vector<int32_t>(k.scalars.size(), 3));
  } catch (const InternalError&) {
    ADD_FAILURE() << "verified, but not estimated:\n" << text;
  }
  return Outcome::accepted;
}

TEST(KernelFuzz, EveryTruncation) {
  const std::string text = print(kernel_with_every_opcode());
  for (size_t length = 0; length < text.size(); ++length) handle(text.substr(0, length));
  EXPECT_EQ(handle(text), Outcome::accepted);
}

TEST(KernelFuzz, RandomDamage) {
  const std::string text = print(kernel_with_every_opcode());
  const std::vector<std::string> words{"%0",
                                       "%5",
                                       "%99",
                                       "_",
                                       "-1",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "x4",
                                       "x0",
                                       "end",
                                       "loop",
                                       "again",
                                       "repeat",
                                       "f32",
                                       "i64",
                                       "pred",
                                       "nan:",
                                       "inf",
                                       "1e999",
                                       "[",
                                       ",",
                                       "2147483647",
                                       ":",
                                       "=",
                                       "#",
                                       "\n",
                                       std::string(1, '\0'),
                                       "\xff"};
  int counts[3] = {};
  for (uint32_t seed = 0; seed < 9000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::string damaged = text;
    for (uint32_t edits = 1 + random() % 3; edits > 0; --edits) {
      const size_t at = random() % damaged.size(), next = damaged.find_first_of(" \n", at);
      const size_t length = std::min(next == std::string::npos ? damaged.size() : next, damaged.size()) - at;
      switch (random() % 4) {
        case 0: damaged[at] = static_cast<char>(random() % 256); break;
        case 1: damaged.replace(at, length, words[random() % words.size()]); break;
        case 2: damaged.erase(at, 1 + random() % 40); break;
        case 3: damaged.insert(at, damaged.substr(random() % damaged.size(), random() % 60)); break;
      }
    }
    ++counts[static_cast<int>(handle(damaged))];
  }
  // The damage is of a kind that reaches all three ends.
  for (const int count : counts) EXPECT_GT(count, 10);
}

// Damage to the instructions themselves, which gets past the parser every time.
TEST(KernelFuzz, RandomInstructions) {
  const Kernel whole = kernel_with_every_opcode();
  const auto opcodes = static_cast<uint32_t>(Op::barrier) + 1;
  int accepted = 0;
  for (uint32_t seed = 0; seed < 20000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Kernel k = whole;
    Instruction& i = k.code[random() % k.code.size()];
    switch (random() % 6) {
      case 0: i.op = static_cast<Op>(random() % opcodes); break;
      case 1: i.args[random() % 3] = static_cast<int32_t>(random() % 100) - 5; break;
      case 2: i.type = static_cast<Type>(random() % 5); break;
      case 3: i.imm = static_cast<int64_t>((uint64_t{random()} << 32 | random()) >> random() % 64); break;
      case 4: i.buffer = static_cast<int32_t>(random() % 8) - 2; break;
      case 5: i.width = static_cast<uint8_t>(random() % 6); break;
    }
    print(k);
    try {
      verify(k, "fuzz");
      ++accepted;
      estimate(k, {3});
    } catch (const InternalError&) {
    }
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace shoal::kernel
