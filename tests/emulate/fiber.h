// Fibers: stacks of their own, switched by hand. One emulated CUDA thread runs on each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shoal::emulate {

// Stack memory of `count` fibers in one mapping; pages cost nothing until touched.
class FiberStacks {
 public:
  static constexpr size_t stack_bytes = 128 * 1024;
  explicit FiberStacks(int count);
  ~FiberStacks();
  FiberStacks(const FiberStacks&) = delete;
  FiberStacks& operator=(const FiberStacks&) = delete;
  char* top(int fiber) const { return base_ + (static_cast<size_t>(fiber) + 1) * stack_bytes; }
  bool contains(const void* address) const {
    const auto* at = static_cast<const char*>(address);
    return at >= base_ && at < base_ + bytes_;
  }

 private:
  char* base_ = nullptr;
  size_t bytes_ = 0;
};

// A suspended point of execution: the stack pointer under which its registers lie.
struct Fiber {
  void* stack_pointer = nullptr;
};

// Prepares `fiber` so that the first switch to it calls entry(argument), which must never return.
void prepare(Fiber& fiber, char* stack_top, void (*entry)(void*), void* argument);
// Suspends the running code as `from` and resumes `to`.
void switch_fiber(Fiber& from, Fiber& to);

}  // namespace shoal::emulate
