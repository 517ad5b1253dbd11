// The JIT: errors instead of exits, no outside symbols, bounded memory, and machine code of a hot loop as it should be.
#include "runtime/cpu/jit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"
#include "hot_kernel.h"
#include "runtime/cpu/host.h"

namespace shoal::test {
namespace {

using kernel::Builder;
using kernel::Kernel;
using kernel::Op;
using kernel::Type;

emit::CpuFeatures native() { return cpu::detect_host().cpu; }

// Resident memory in bytes.
int64_t resident() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0, pages = 0;
  file >> total >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

TEST(Jit, TextThatLlvmRefusesIsACompileErrorWithNumberedSource) {
  try {
    cpu::compile_object("define void @f() {\n  %x = nonsense\n}\n", native());
    FAIL() << "no exception";
  } catch (const CompileError& error) {
    EXPECT_THAT(error.log, ::testing::HasSubstr("expected instruction opcode"));
    EXPECT_THAT(error.source, ::testing::HasSubstr("   2    %x = nonsense"));
  }
}

TEST(Jit, IllFormedIrAndForeignCallsAreCompileErrors) {
  EXPECT_THROW(cpu::compile_object("define i32 @f(i32 %a) {\n  br label %b\nb:\n  %y = add i32 %x, 1\n"
                                   "  %x = add i32 %a, 1\n  ret i32 %y\n}\n",
                                   native()),
               CompileError);
  EXPECT_THROW(cpu::compile_object("declare void @exit(i32)\ndefine void @f() {\n  call void @exit(i32 3)\n"
                                   "  ret void\n}\n",
                                   native()),
               CompileError);
  emit::CpuFeatures unknown = native();
  unknown.cpu = "z80";
  EXPECT_THROW(cpu::compile_object("define void @f() {\n  ret void\n}\n", unknown), CompileError);
}

TEST(Jit, DamagedObjectsAndMissingFunctionsAreCompileErrors) {
  const std::string object = cpu::compile_object("define void @f() {\n  ret void\n}\n", native());
  cpu::Linker linker;
  EXPECT_NE(linker.load(object, "f")->function(), nullptr);
  EXPECT_THROW(linker.load(object, "g"), CompileError);
  EXPECT_THROW(linker.load(object.substr(0, object.size() / 2), "f"), CompileError);
  EXPECT_THROW(linker.load("not an object", "f"), CompileError);
  EXPECT_THROW(linker.load("", "f"), CompileError);
}

// Every opcode that could become a library call, on the level with the fewest instructions and on this machine.
TEST(Jit, NothingIsLeftUndefined) {
  for (const char* level : {"x86-64", "x86-64-v2", "native"}) {
    Kernel k;
    k.lanes = 4;
    k.buffers = {{.name = "x", .size = 64, .written = true}};
    Builder b(k);
    const int32_t lane = b.leaf(Op::lane);
    for (int32_t at : {lane, b.constant_i32(3)}) {
      const int32_t x = b.load(0, -1, at, 0);
      int32_t y = b.emit(Op::fma, x, x, x);
      for (Op op : {Op::floor, Op::sqrt, Op::abs}) y = b.emit(op, y);
      y = b.emit(Op::to_f32, b.emit(Op::rem, b.emit(Op::to_i32, y), b.emit(Op::bits_i32, x)));
      b.store(0, -1, at, 8, b.emit(Op::div, y, x));
      for (int element = 0; element < 32; ++element) b.store(0, -1, at, 16 + element, b.constant(0.0f));
    }
    const emit::CpuFeatures features = cpu::detect_host(level).cpu;
    EXPECT_TRUE(cpu::undefined_symbols(cpu::compile_object(emit::llvm(k, features), features)).empty()) << level;
  }
}

// AVX-512 code is made without the machine for it, and uses its registers.
TEST(Jit, Avx512CompilesAnywhere) {
  const emit::CpuFeatures features{.cpu = "x86-64-v4",
                                   .features = "+sse4.1,+avx,+avx2,+fma,+avx512f,+avx512bw,+avx512dq,+avx512vl"};
  const std::string assembly = cpu::compile_assembly(emit::llvm(hot_kernel({.lanes = 16}), features), features);
  EXPECT_THAT(assembly, ::testing::ContainsRegex("vfmadd.*zmm"));
}

// The innermost loop of a 2x4 tile: eight FMAs, six loads, nothing from or to the stack.
TEST(Jit, ATileStaysInRegisters) {
  const emit::CpuFeatures features = native();
  if (features.features.find("+fma") == std::string::npos) GTEST_SKIP() << "this machine has no FMA";
  const std::string loop = hottest_loop(cpu::compile_assembly(emit::llvm(hot_kernel({}), features), features));
  EXPECT_EQ(count_lines(loop, "vfmadd"), 8) << loop;
  EXPECT_EQ(count_lines(loop, "vmovups"), 6) << loop;
  EXPECT_EQ(count_lines(loop, "(%rsp"), 0) << loop;
  EXPECT_LE(count_lines(loop, "\n"), 8 + 6 + 4) << "more than a counter and a branch beside the work:\n" << loop;
}

// A load with one user becomes that user's memory operand: in a 1x4 tile, the four activations.
TEST(Jit, SingleUseLoadsFoldIntoTheFma) {
  const emit::CpuFeatures features = native();
  if (features.features.find("+fma") == std::string::npos) GTEST_SKIP() << "this machine has no FMA";
  const std::string loop =
      hottest_loop(cpu::compile_assembly(emit::llvm(hot_kernel({.units = 1}), features), features));
  std::istringstream lines(loop);
  int folded = 0;
  for (std::string line; std::getline(lines, line);) {
    folded += line.find("vfmadd") != std::string::npos && line.find('(') != std::string::npos;
  }
  EXPECT_EQ(folded, 4) << loop;
}

// Weights that all lanes share come in by broadcasting loads.
TEST(Jit, SharedWeightsAreBroadcastFromMemory) {
  const emit::CpuFeatures features = native();
  if (features.features.find("+avx2") == std::string::npos) GTEST_SKIP() << "this machine has no AVX2";
  const std::string loop =
      hottest_loop(cpu::compile_assembly(emit::llvm(hot_kernel({.shared_weights = true}), features), features));
  std::istringstream lines(loop);
  int from_memory = 0;
  for (std::string line; std::getline(lines, line);) {
    from_memory += line.find("vbroadcastss") != std::string::npos && line.find('(') != std::string::npos;
  }
  EXPECT_EQ(from_memory, 2) << loop;
}

TEST(Jit, TextAndObjectsAreTheSameEveryTime) {
  const emit::CpuFeatures features = native();
  const std::string text = emit::llvm(hot_kernel({}), features);
  EXPECT_EQ(text, emit::llvm(hot_kernel({}), features));
  EXPECT_EQ(cpu::compile_object(text, features), cpu::compile_object(text, features));
}

// Sanitizers keep freed memory and shadows resident; under them the leak checker finds what is lost.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitizer_keeps_freed_memory = true;
#else
constexpr bool sanitizer_keeps_freed_memory = false;
#endif

TEST(Jit, ManyCompilesInParallelKeepMemoryBounded) {
  const emit::CpuFeatures features = native();
  cpu::Linker linker;
  auto compile = [&](int count, int seed) {
    for (int k = 0; k < count; ++k) {
      const Kernel kernel = hot_kernel({.inputs = 8 + (k + seed) % 5});
      EXPECT_NE(linker.load(cpu::compile_object(emit::llvm(kernel, features), features), kernel.name)->function(),
                nullptr);
    }
  };
  compile(50, 0);  // pools and caches of LLVM fill
  const int64_t before = resident();
  std::thread other([&] { compile(150, 1); });
  compile(150, 2);
  other.join();
  // A leaked kernel would cost 12 KiB of mappings and an LLVM context some 500 KiB; 10 MiB is the second thread's heap.
  if (!sanitizer_keeps_freed_memory) {
    EXPECT_LT(resident() - before, 10 << 20);
  }
}

}  // namespace
}  // namespace shoal::test
