// Kernel text: what print writes parse_kernel reads back, and errors name their line.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <set>

#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"
#include "tests/kernel/sample_kernels.h"

namespace shoal::kernel {
namespace {

void expect_round_trip(const Kernel& k) {
  const std::string text = print(k);
  const Kernel back = parse_kernel(text);
  EXPECT_EQ(print(back), text);
  EXPECT_EQ(back.name, k.name);
  EXPECT_EQ(back.header, k.header);
  EXPECT_EQ(back.warps, k.warps);
  EXPECT_EQ(back.lanes, k.lanes);
  EXPECT_EQ(back.shared_elements, k.shared_elements);
  EXPECT_EQ(back.scalars, k.scalars);
  ASSERT_EQ(back.buffers.size(), k.buffers.size());
  for (size_t i = 0; i < k.buffers.size(); ++i) {
    EXPECT_EQ(back.buffers[i].name, k.buffers[i].name);
    EXPECT_EQ(back.buffers[i].space, k.buffers[i].space);
    EXPECT_EQ(back.buffers[i].type, k.buffers[i].type);
    EXPECT_EQ(back.buffers[i].size, k.buffers[i].size);
    EXPECT_EQ(back.buffers[i].offset, k.buffers[i].offset);
    EXPECT_EQ(back.buffers[i].written, k.buffers[i].written);
  }
  ASSERT_EQ(back.code.size(), k.code.size());
  for (size_t i = 0; i < k.code.size(); ++i) {
    // NaNs are not equal to themselves, so constants are compared by bits.
    EXPECT_EQ(std::bit_cast<uint32_t>(back.code[i].fimm), std::bit_cast<uint32_t>(k.code[i].fimm)) << i;
    Instruction a = back.code[i], b = k.code[i];
    a.fimm = b.fimm = 0;
    EXPECT_EQ(a, b) << i;
  }
}

TEST(KernelText, EveryOpcodeComesBack) {
  const Kernel k = kernel_with_every_opcode();
  std::set<Op> seen;
  for (const Instruction& i : k.code) seen.insert(i.op);
  for (bool bf16 : {false, true}) {
    const Kernel product = kernel_of_tensor_cores(bf16);
    for (const Instruction& i : product.code) seen.insert(i.op);
    expect_round_trip(product);
  }
#define SHOAL_OPCODE(name, operands, kind) EXPECT_TRUE(seen.contains(Op::name)) << #name;
#include "compiler/kernel/opcodes.inc"
#undef SHOAL_OPCODE
  verify(k, "text");
  expect_round_trip(k);
}

TEST(KernelText, EveryFloatComesBack) {
  Kernel k;
  Builder b(k);
  for (const uint32_t bits : {0x00000000u, 0x80000000u, 0x00000001u, 0x807fffffu, 0x3f800001u, 0x7f7fffffu, 0x7f800000u,
                              0xff800000u, 0x7fc00000u, 0xffc12345u, 0x7f800001u, 0x3dcccccdu, 0x4b800001u}) {
    b.constant(std::bit_cast<float>(bits));
  }
  ASSERT_EQ(k.code.size(), 13u);
  expect_round_trip(k);
}

TEST(KernelText, HeadersComeBack) {
  for (const char* header : {"", "one line", "two\nlines", "a blank one\n\n  and an indented one", "# a mark"}) {
    Kernel k;
    k.header = header;
    expect_round_trip(k);
  }
}

TEST(KernelText, DeepBracketsComeBack) {
  Kernel k;
  Builder b(k);
  const int32_t yes = b.constant_pred(true);
  for (int i = 0; i < 20000; ++i) b.when(yes);
  for (int i = 0; i < 20000; ++i) b.end();
  verify(k, "text");
  const std::string text = print(k);
  EXPECT_LT(text.size(), 40000u * 120);  // indents end somewhere, or the text would be quadratic
  EXPECT_EQ(parse_kernel(text).code, k.code);
}

TEST(KernelText, IsReadable) {
  EXPECT_EQ(print(parse_kernel(R"(# what it does
kernel twice warps 1 lanes 4 shared 0
buffer x global f32 size 8 offset 0 written
scalar n
code
%0 = scalar 0 : i32
%1 = loop %0 step 2 : i32
%2 = load x[_, %1, 4] : f32
# a remark, which is not kept

%3 = add %2 %2 : f32
store x[_, %1, 4] = %3
end
)")),
            R"(# what it does
kernel twice warps 1 lanes 4 shared 0
buffer x global f32 size 8 offset 0 written
scalar n
code
  %0 = scalar 0 : i32
  %1 = loop %0 step 2 : i32
    %2 = load x[_, %1, 4] : f32
    %3 = add %2 %2 : f32
    store x[_, %1, 4] = %3
  end
)");
}

void expect_error(const std::string& text, const std::string& message) {
  try {
    parse_kernel(text);
    ADD_FAILURE() << "accepted: " << text;
  } catch (const SpecError& error) {
    EXPECT_EQ(error.what(), message);
  }
}

TEST(KernelText, ErrorsNameTheirLine) {
  expect_error("", "kernel:1: expected 'code'");
  expect_error("# only\n# a header\n", "kernel:3: expected 'code'");
  expect_error("kernal k", "kernel:1: expected 'kernel', got 'kernal'");
  expect_error("kernel", "kernel:1: expected more at the end of the line");
  expect_error("kernel k warps x", "kernel:1: expected an integer, got 'x'");
  expect_error("kernel k warps 99999999999", "kernel:1: expected an integer, got '99999999999'");
  expect_error("kernel k warps 1 lanes 1", "kernel:1: expected 'shared', got ''");
  expect_error("kernel k warps 1 lanes 1 shared 0 more", "kernel:1: unexpected 'more'");
  const std::string title = "kernel k warps 1 lanes 1 shared 0\n";
  expect_error(title, "kernel:2: expected 'code'");
  expect_error(title + "buffet", "kernel:2: expected buffer, scalar or code, got 'buffet'");
  expect_error(title + "buffer x glob", "kernel:2: expected global, shared or local, got 'glob'");
  expect_error(title + "buffer x global f64", "kernel:2: expected a type, got 'f64'");
  expect_error(title + "buffer x global f32 siz", "kernel:2: expected 'size', got 'siz'");
  const std::string buffer = "buffer x global f32 size 8 offset 0\n";
  expect_error(title + buffer + buffer, "kernel:3: a second buffer of this name");
  const std::string code = title + buffer + "code\n";
  expect_error(code + "\nmultiply", "kernel:5: no opcode is called 'multiply'");
  expect_error(code + "%1 = lane : i32", "kernel:4: expected %0 (values are numbered by instruction), got %1");
  expect_error(code + "%0 lane", "kernel:4: expected '=', got 'lane'");
  expect_error(code + "%0 = lane", "kernel:4: expected ':', got ''");
  expect_error(code + "%0 = lane : int", "kernel:4: expected a type, got 'int'");
  expect_error(code + "%0 = lane : i32 %2", "kernel:4: unexpected '%2'");
  expect_error(code + "%0 = constant one : f32", "kernel:4: expected a number, got 'one'");
  expect_error(code + "%0 = constant nan:xyz : f32", "kernel:4: expected bits of a NaN, got 'xyz'");
  expect_error(code + "%0 = constant 1.5 : i32", "kernel:4: expected an integer, got '1.5'");
  expect_error(code + "%0 = neg 7 : f32", "kernel:4: expected a value such as %3, got '7'");
  expect_error(code + "%0 = neg %-7 : f32", "kernel:4: expected a value such as %3, got '%-7'");
  expect_error(code + "%0 = neg %x : f32", "kernel:4: expected a value number, got 'x'");
  expect_error(code + "%0 = add %0", "kernel:4: expected more at the end of the line");
  expect_error(code + "%0 = load y[_, _, 0] : f32", "kernel:4: no buffer is called 'y'");
  expect_error(code + "%0 = load x(_, _, 0) : f32", "kernel:4: no buffer is called 'x(_'");
  expect_error(code + "%0 = load x[_, 0] : f32", "kernel:4: expected a value such as %3, got '0'");
  expect_error(code + "%0 = load x[_, _, 0] x300 : f32", "kernel:4: expected a width, got '300'");
  expect_error(code + "store x[_, _, 0] %0", "kernel:4: expected '=', got '%0'");
  expect_error(code + "barrier all", "kernel:4: expected 'group', got 'all'");
  expect_error(code + "%0 = loop %0 by 2 : i32", "kernel:4: expected 'step', got 'by'");
}

}  // namespace
}  // namespace shoal::kernel
