// The verifier: for each rule a kernel that breaks it alone, with the telling part of the message.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"
#include "tests/kernel/sample_kernels.h"

namespace shoal::kernel {
namespace {

using testing::HasSubstr;

// Two warps of four lanes, a buffer of each kind, one scalar; %0 to %5 are a value of each type, a var, and the lane.
constexpr const char* prelude = R"(kernel k warps 2 lanes 4 shared 16
buffer x global f32 size 8 offset 0 written
buffer n global i32 size 0 offset 0
buffer tile shared f32 size 12 offset 4 written
buffer own local f32 size 4 offset 0 written
scalar count
code
%0 = constant 1 : f32
%1 = constant 2 : i32
%2 = constant 3 : i64
%3 = constant 1 : pred
%4 = var %0 : f32
%5 = lane : i32
%6 = warp : i32
%7 = lt %5 %1 : pred
%8 = lt %6 %1 : pred
)";

void accepts(const std::string& code) { EXPECT_NO_THROW(verify(parse_kernel(prelude + code), "lowering")) << code; }

void refuses(const Kernel& kernel, const std::string& message) {
  try {
    verify(kernel, "lowering");
    ADD_FAILURE() << "accepted, but expected: " << message << "\n" << print(kernel);
  } catch (const InternalError& error) {
    EXPECT_THAT(error.what(), HasSubstr(message));
    EXPECT_THAT(error.what(), HasSubstr("after lowering"));
  }
}

void refuses(const std::string& code, const std::string& message) { refuses(parse_kernel(prelude + code), message); }

TEST(KernelVerify, AcceptsWhatIsWellFormed) {
  verify(kernel_with_every_opcode(), "test");
  verify(Kernel{}, "test");
  accepts("");
}

TEST(KernelVerify, MessagesPrintTheInstruction) {
  refuses(
      "%9 = add %0 %1 : f32",
      "internal error: kernel 'k' after lowering: instruction 9: '%9 = add %0 %1 : f32': no add of (f32, i32, none)");
}

TEST(KernelVerify, Declarations) {
  const auto broken = [](auto change, const std::string& message) {
    Kernel k = parse_kernel(prelude);
    change(k);
    refuses(k, message);
  };
  broken([](Kernel& k) { k.name = "two words"; }, "the name is no identifier");
  broken([](Kernel& k) { k.name = ""; }, "the name is no identifier");
  broken([](Kernel& k) { k.warps = 0; }, "0 warps of 4 lanes");
  broken([](Kernel& k) { k.lanes = -1; }, "2 warps of -1 lanes");
  broken([](Kernel& k) { k.lanes = INT32_MAX; }, "2 warps of 2147483647 lanes");
  broken([](Kernel& k) { k.shared_elements = -1; }, "a shared arena of -1 elements");
  broken([](Kernel& k) { k.shared_elements = INT64_MAX; }, "a shared arena of");
  broken([](Kernel& k) { k.scalars = {"count", "count"}; }, "two scalars have one name");
  broken([](Kernel& k) { k.scalars = {"7th"}; }, "scalar '7th' is no identifier");
  broken([](Kernel& k) { k.buffers[0].name = "a-b"; }, "buffer 'a-b' is no identifier");
  broken([](Kernel& k) { k.buffers[0].name = "n"; }, "a second argument or buffer 'n'");
  broken([](Kernel& k) { k.buffers[0].name = "count"; }, "a second argument or buffer 'count'");
  broken([](Kernel& k) { k.buffers[0].type = Type::i64; }, "buffer 'x' of type i64");
  broken([](Kernel& k) { k.buffers[0].size = -1; }, "buffer 'x' of size -1");
  broken([](Kernel& k) { k.buffers[0].size = INT64_MAX; }, "buffer 'x' of size 9223372036854775807");
  broken([](Kernel& k) { k.buffers[2].size = 0; }, "buffer 'tile' of size 0");
  broken([](Kernel& k) { k.buffers[3].size = int64_t{1} << 40; }, "buffer 'own' of size");
  broken([](Kernel& k) { std::swap(k.buffers[1], k.buffers[2]); }, "global buffer 'n' after one that is not");
  broken([](Kernel& k) { k.buffers[2].offset = 5; }, "shared buffer 'tile' at 5 of size 12 leaves the arena of 16");
  broken([](Kernel& k) { k.buffers[2].offset = -1; }, "leaves the arena");
  broken([](Kernel& k) { k.buffers[2].offset = INT64_MAX; }, "leaves the arena");
}

TEST(KernelVerify, Operands) {
  refuses("%9 = add %0 _ : f32", "operand 1 is no earlier value");
  refuses("%9 = add %0 %9 : f32", "operand 1 is no earlier value");
  refuses("%9 = add %0 %77 : f32", "operand 1 is no earlier value");
  refuses("set %4 %0\n%10 = neg %9 : f32", "operand %9 has no value");
  refuses("%9 = neg %4 : f32", "operand %4 is a var, which only get and set may name");
  refuses("%9 = get %0 : f32", "operand %0 is no var");
  refuses("set %0 %0", "operand %0 is no var");
  refuses("set %4 %4", "operand %4 is a var");
  refuses("%9 = var %4 : f32", "operand %4 is a var");
  refuses("when %3\n%10 = neg %0 : f32\nend\n%12 = neg %10 : f32", "operand %10 stands in a bracket that is closed");
  refuses("%9 = loop %1 step 1 : i32\nend\n%11 = add %9 %9 : i32", "operand %9 stands in a bracket that is closed");
  refuses("repeat\n%10 = lt %1 %1 : pred\nagain %10\nwhen %10\nend", "operand %10 stands in a bracket that is closed");
  accepts("when %3\n%10 = neg %0 : f32\nwhen %3\n%12 = neg %10 : f32\nend\nend");
  Kernel k = parse_kernel(prelude);
  k.code.push_back({.op = Op::neg, .type = Type::f32, .args = {0, 0, -1}});
  refuses(k, "neg takes 1 operands");
  k.code.back() = {.op = Op::neg, .type = Type::f32, .args = {0, -1, -1}, .width = 4};
  refuses(k, "only loads and stores name a buffer and a width");
  k.code.back() = {.op = Op::neg, .type = Type::f32, .args = {0, -1, -1}, .buffer = 0};
  refuses(k, "only loads and stores name a buffer and a width");
}

TEST(KernelVerify, Types) {
  refuses("%9 = neg %1 : i32", "no neg of (i32, none, none)");
  refuses("%9 = neg %0 : i32", "the value is of type f32");
  refuses("%9 = select %1 %0 %0 : f32", "no select of (i32, f32, f32)");
  refuses("%9 = to_i64 %0 : i64", "no to_i64 of (f32, none, none)");
  refuses("%9 = rem %2 %2 : i64", "no rem of (i64, i64, none)");
  refuses("%9 = lt %3 %3 : pred", "no lt of (pred, pred, none)");
  refuses("%9 = var %0 : i32", "the value is of type f32");
  refuses("%9 = get %4 : pred", "the value is of type f32");
  refuses("set %4 %1", "a f32 var set to a i32");
  refuses("%9 = set %4 %0 : f32", "a set has no value");
  refuses("%9 = group : i64", "the value is an i32");
  refuses("%9 = scalar 1 : i32", "the kernel has 1 scalars");
  refuses("%9 = scalar -1 : i32", "the kernel has 1 scalars");
  refuses("%9 = constant 4294967296 : i32", "the constant does not fit in 32 bits");
  refuses("%9 = constant 2 : pred", "a pred is 0 or 1");
  refuses("constant 2", "a constant has the type of a value");
  refuses("%9 = lanes_xor %0 mask 1 : i32", "the value is of type f32");
  refuses("%9 = barrier warp : i32", "a barrier has no value");
}

TEST(KernelVerify, Brackets) {
  refuses("end", "no bracket is open");
  refuses("again %3", "no bracket is open");
  refuses("when %3", "'when %3': this bracket is not closed");
  refuses("when %3\nagain %3", "the innermost bracket is 'when %3'");
  refuses("repeat\nend", "the innermost bracket is 'repeat'");
  refuses("when %1\nend", "the operand is a pred");
  refuses("repeat\nagain %0", "the operand is a pred");
  refuses("%9 = loop %0 step 1 : i32\nend", "the count is an i32");
  refuses("%9 = loop %1 step 0 : i32\nend", "the step is positive");
  refuses("%9 = loop %1 step 9223372036854775807 : i32\nend", "the step is positive");
  refuses("loop %1 step 1\nend", "only a loop has a value");
  refuses("%9 = when %3 : i32\nend", "only a loop has a value");
}

TEST(KernelVerify, Memory) {
  Kernel k = parse_kernel(prelude);
  k.code.push_back({.op = Op::load, .type = Type::f32, .buffer = 9});
  refuses(k, "no buffer 9");
  refuses("%9 = load x[%1, _, 0] : f32", "the base is an i64");
  refuses("%9 = load x[_, %2, 0] : f32", "the index is an i32");
  refuses("%9 = load own[_, %1, 0] : f32", "a local access has a constant index");
  refuses("%9 = load x[_, _, 8] : f32", "the index is outside the 8 elements");
  refuses("%9 = load x[_, _, -1] : f32", "the index is outside the 8 elements");
  refuses("%9 = load n[_, _, -1] : i32", "the index is outside");
  refuses("%9 = load tile[_, _, 12] : f32", "the index is outside the 12 elements");
  refuses("%9 = load n[_, %1, 9223372036854775807] : i32", "no buffer is so large");
  refuses("%9 = load x[_, _, 0] : i32", "the element is of type f32");
  refuses("%9 = store x[_, _, 0] = %0 : f32", "a store has no value");
  refuses("store x[_, _, 0] = %1", "the element is of type f32");
  refuses("store n[_, _, 0] = %1", "the buffer is not marked as written");
  accepts("%9 = load n[_, _, 100000] : i32");  // the size depends on the population
  accepts("%9 = load x[_, %1, -1] : f32");
}

TEST(KernelVerify, WideGroups) {
  const std::string two = "%9 = load x[_, %5, 0] x2 : f32\n";
  accepts(two + "%10 = load x[_, %5, 1] x0 : f32");
  refuses(two, "the wide group is not complete");
  refuses(two + "%10 = load x[_, %5, 1] : f32",
          "not the next element of the wide group '%9 = load x[_, %5, 0] x2 : f32'");
  refuses(two + "%10 = load x[_, %5, 2] x0 : f32", "not the next element");
  refuses(two + "%10 = load x[_, %6, 1] x0 : f32", "not the next element");
  refuses(two + "%10 = load tile[_, %5, 1] x0 : f32", "not the next element");
  refuses(two + "%10 = neg %0 : f32", "not the next element");
  refuses(two + "store x[_, %5, 1] x0 = %0", "not the next element");
  refuses("%9 = load x[_, %5, 0] x0 : f32", "width 0 outside a wide group");
  refuses(two + "%10 = load x[_, %5, 1] x0 : f32\n%11 = load x[_, %5, 2] x0 : f32", "width 0 outside a wide group");
  refuses("%9 = load x[_, %5, 0] x3 : f32", "a width is 1, 2 or 4");
  refuses("%9 = load x[_, _, 3] x2 : f32\n%10 = load x[_, _, 4] x0 : f32", "the wide access is not aligned");
  refuses("store x[_, _, 6] x4 = %0\nstore x[_, _, 7] x0 = %0", "the wide access is not aligned");
  accepts("store x[_, %5, 0] x2 = %0\nstore x[_, %5, 1] x0 = %0");
}

TEST(KernelVerify, LanesExchangeInPairs) {
  accepts("%9 = lanes_xor %0 mask 2 : f32");
  refuses("%9 = lanes_xor %0 mask 4 : f32", "the mask pairs no 4 lanes");
  refuses("%9 = lanes_xor %0 mask 3 : f32", "the mask pairs no 4 lanes");
  refuses("%9 = lanes_xor %0 mask 0 : f32", "the mask pairs no 4 lanes");
  refuses("%9 = lanes_xor %0 mask 4611686018427387904 : f32", "the mask pairs no 4 lanes");
}

// %7 differs from lane to lane, %8 from warp to warp.
TEST(KernelVerify, BarriersAreReachedTogether) {
  const std::string group = "the group come here", warp = "not all threads of the warp come here";
  accepts("when %3\nbarrier group\nend");
  refuses("when %7\nbarrier group\nend", group);
  refuses("when %8\nbarrier group\nend", group);
  accepts("when %8\nbarrier warp\nend");
  refuses("when %7\nbarrier warp\nend", warp);
  accepts("when %8\n%10 = lanes_xor %0 mask 1 : f32\nend");
  refuses("when %7\n%10 = lanes_xor %0 mask 1 : f32\nend", warp);
  refuses("when %7\nwhen %3\nbarrier warp\nend\nend", warp);
  accepts("when %7\nend\nbarrier group");
  refuses("repeat\nbarrier warp\nagain %7", warp);
  accepts("repeat\nbarrier warp\nagain %8");
  refuses("repeat\nbarrier group\nagain %8", group);
  accepts("repeat\nagain %7\nbarrier group");
}

TEST(KernelVerify, LoopCountsAreUniform) {
  const std::string differs = "the count differs between the threads of a warp";
  accepts("%9 = scalar 0 : i32\n%10 = loop %9 step 1 : i32\nbarrier group\nend");
  accepts("%9 = loop %6 step 1 : i32\nbarrier warp\nend");
  refuses("%9 = loop %6 step 1 : i32\nbarrier group\nend", "the group come here");
  refuses("%9 = loop %5 step 1 : i32\nend", differs);
  // Through memory: the same address in all threads holds one value.
  accepts("%9 = load n[_, _, 0] : i32\n%10 = loop %9 step 1 : i32\nend");
  refuses("%9 = load n[_, %5, 0] : i32\n%10 = loop %9 step 1 : i32\nend", differs);
  // Through arithmetic and exchange.
  refuses("%9 = add %1 %5 : i32\n%10 = loop %9 step 1 : i32\nend", differs);
  refuses("%9 = lanes_xor %5 mask 1 : i32\n%10 = loop %9 step 1 : i32\nend", differs);
}

TEST(KernelVerify, VarsCarryDivergence) {
  const std::string differs = "the count differs between the threads of a warp";
  const std::string use = "%9 = var %1 : i32\n";
  accepts(use + "set %9 %1\n%11 = get %9 : i32\n%12 = loop %11 step 1 : i32\nend");
  refuses(use + "set %9 %5\n%11 = get %9 : i32\n%12 = loop %11 step 1 : i32\nend", differs);
  // Only some threads set it.
  refuses(use + "when %7\nset %9 %1\nend\n%13 = get %9 : i32\n%14 = loop %13 step 1 : i32\nend", differs);
  // All that see the var set it: it stands in the same `when`.
  accepts("when %7\n%10 = var %1 : i32\nset %10 %1\n%12 = get %10 : i32\n%13 = loop %12 step 1 : i32\nend\nend");
  // A later set reaches an earlier get through the loop.
  refuses(use + "%10 = loop %1 step 1 : i32\n%11 = get %9 : i32\n%12 = loop %11 step 1 : i32\nend\nset %9 %5\nend",
          differs);
  // Threads leave a repeat after different numbers of trips.
  refuses(use + "repeat\nset %9 %1\nagain %7\n%13 = get %9 : i32\n%14 = loop %13 step 1 : i32\nend", differs);
}

TEST(KernelVerify, LocalBuffersCarryDivergence) {
  Kernel k = parse_kernel(prelude);
  k.buffers[3].type = Type::i32;
  const auto with = [&](int32_t stored) {
    Kernel copy = k;
    Builder b(copy);
    b.store(3, -1, -1, 1, stored);
    b.loop(b.load(3, -1, -1, 1));
    b.end();
    return copy;
  };
  EXPECT_NO_THROW(verify(with(1), "lowering"));
  refuses(with(5), "the count differs between the threads of a warp");
}

}  // namespace
}  // namespace shoal::kernel
