// Follows the kernel's text in its translation unit: the call with untyped arguments, the arena, and the callbacks that
// -fsanitize=thread makes g++ insert before every access (libtsan is not linked: the emulator judges the accesses
// itself).
#pragma once

// Reads the emulator's own memory (the argument array), which no kernel may.
#define EMULATE_UNCHECKED __attribute__((no_sanitize("thread")))
#define EMULATE_EXPORT extern "C" __attribute__((visibility("default")))

EMULATE_EXPORT EmulateHost emulate_host;
EmulateHost emulate_host;

EMULATE_EXPORT float4 shoal_arena[];
alignas(1024) float4 shoal_arena[emulate_arena_bytes / sizeof(float4)];

namespace emulate_shim {
template <int... I>
struct Indices {};
template <typename... Parameters, int... I>
EMULATE_UNCHECKED void call(void (*kernel)(Parameters...), [[maybe_unused]] void** arguments, Indices<I...>) {
  kernel(*static_cast<Parameters*>(arguments[I])...);
}
template <typename... Parameters>
EMULATE_UNCHECKED void call(void (*kernel)(Parameters...), void** arguments) {
  call(kernel, arguments, Indices<__integer_pack(sizeof...(Parameters))...>());
}
template <typename... Parameters>
constexpr int count(void (*)(Parameters...)) {
  return sizeof...(Parameters);
}
}  // namespace emulate_shim

EMULATE_EXPORT EMULATE_UNCHECKED void emulate_entry(void** arguments) { emulate_shim::call(EMULATE_KERNEL, arguments); }
EMULATE_EXPORT const int emulate_argument_count = emulate_shim::count(EMULATE_KERNEL);

#ifdef EMULATE_CHECK
#define EMULATE_CALLBACK extern "C" __attribute__((no_sanitize("thread"), noinline)) void
#define EMULATE_ACCESS(NAME, BYTES, IS_WRITE)                                                         \
  EMULATE_CALLBACK NAME(void* address) {                                                              \
    emulate_host.access(emulate_host.machine, address, BYTES, IS_WRITE, __builtin_return_address(0)); \
  }
#define EMULATE_SIZE(BYTES)                              \
  EMULATE_ACCESS(__tsan_read##BYTES, BYTES, 0)           \
  EMULATE_ACCESS(__tsan_write##BYTES, BYTES, 1)          \
  EMULATE_ACCESS(__tsan_unaligned_read##BYTES, BYTES, 0) \
  EMULATE_ACCESS(__tsan_unaligned_write##BYTES, BYTES, 1)
EMULATE_ACCESS(__tsan_read1, 1, 0)
EMULATE_ACCESS(__tsan_write1, 1, 1)
EMULATE_SIZE(2)
EMULATE_SIZE(4)
EMULATE_SIZE(8)
EMULATE_SIZE(16)
EMULATE_CALLBACK __tsan_read_range(void* address, long bytes) {
  emulate_host.access(emulate_host.machine, address, bytes, 0, __builtin_return_address(0));
}
EMULATE_CALLBACK __tsan_write_range(void* address, long bytes) {
  emulate_host.access(emulate_host.machine, address, bytes, 1, __builtin_return_address(0));
}
EMULATE_CALLBACK __tsan_func_entry(void*) {}
EMULATE_CALLBACK __tsan_func_exit() {}
EMULATE_CALLBACK __tsan_init() {}
#endif
