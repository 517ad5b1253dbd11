// The switch of stacks: x86-64, System V calling convention.
#include "fiber.h"

#include <sys/mman.h>

#include "compiler/support/error.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

// Saves the callee-saved registers on the old stack and restores them from the new one. A fresh fiber finds its
// argument in rbx and its entry in rbp, and starts in emulate_start, which passes them on with the stack aligned.
asm(R"(.text
emulate_switch:
  push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp
  ret
emulate_start:
  mov %rbx, %rdi
  call *%rbp
  ud2
)");
extern "C" void emulate_switch(void** save, void* load) asm("emulate_switch");
extern "C" void emulate_start() asm("emulate_start");

namespace shoal::emulate {

// A fiber that is never resumed leaves its frames marked as the sanitizer's red zones; whoever has the memory next must
// not meet them.
static void forget_frames([[maybe_unused]] char* memory, [[maybe_unused]] size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(memory, bytes);
#endif
}

FiberStacks::FiberStacks(int count) : bytes_(static_cast<size_t>(count) * stack_bytes) {
  void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw RuntimeError(fmt::format("no memory for {} fiber stacks", count));
  base_ = static_cast<char*>(memory);
}

FiberStacks::~FiberStacks() {
  forget_frames(base_, bytes_);
  munmap(base_, bytes_);
}

void prepare(Fiber& fiber, char* stack_top, void (*entry)(void*), void* argument) {
  forget_frames(stack_top - FiberStacks::stack_bytes, FiberStacks::stack_bytes);
  auto** frame = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(stack_top) & ~uintptr_t{63});
  // emulate_start's call must find rsp a multiple of 16: after the six pops and the ret, rsp is `frame`.
  *--frame = reinterpret_cast<void*>(&emulate_start);
  *--frame = reinterpret_cast<void*>(entry);  // rbp
  *--frame = argument;                        // rbx
  for (int i = 0; i < 4; i++) *--frame = nullptr;
  fiber.stack_pointer = frame;
}

void switch_fiber(Fiber& from, Fiber& to) { emulate_switch(&from.stack_pointer, to.stack_pointer); }

}  // namespace shoal::emulate
