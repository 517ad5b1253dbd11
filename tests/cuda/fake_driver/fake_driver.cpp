// A libcuda for machines without a GPU: the driver's functions with memory on the host, a log of calls, and planned
// failures.
#include "fake_driver.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>

namespace {

struct Fake {
  std::string log;
  std::map<std::string, std::pair<int, int>> failures;               // symbol: calls until it fails, error
  std::map<unsigned long long, std::pair<size_t, int>> allocations;  // address: bytes, number
  std::set<void*> modules;
  int devices = 1, sm = 90, pointers = 0, integers = 0;
  int retained = 0, pushed = 0, allocated = 0;
};

// A driver is a process-wide thing, and so is the fake.
Fake& fake() {
  static Fake state;
  return state;
}

constexpr int ok = 0, invalid_value = 1, invalid_context = 201, not_found = 500;
char context, function;

int failure_of(const char* symbol) {
  const auto found = fake().failures.find(symbol);
  if (found == fake().failures.end() || found->second.first-- > 0) return ok;
  const int error = found->second.second;
  fake().failures.erase(found);
  return error;
}

template <typename... Args>
void note(fmt::format_string<Args...> format, Args&&... args) {
  fake().log += fmt::format(format, std::forward<Args>(args)...).append("\n");
}

std::string name_of(unsigned long long address) {
  for (const auto& [base, allocation] : fake().allocations) {
    if (address == base) return fmt::format("memory{}", allocation.second);
    if (address > base && address < base + allocation.first)
      return fmt::format("memory{}+{}", allocation.second, address - base);
  }
  return "nowhere";
}

// The range must lie in one allocation, as on a device.
bool inside(unsigned long long address, size_t bytes) {
  for (const auto& [base, allocation] : fake().allocations)
    if (address >= base && address + bytes <= base + allocation.first) return true;
  return false;
}

}  // namespace

#define FAKE(symbol, ...)                                              \
  if (const int planned = failure_of(symbol); planned) return planned; \
  note(__VA_ARGS__)
#define NEEDS_CONTEXT \
  if (fake().pushed == 0) return invalid_context

extern "C" {

int cuInit(unsigned) {
  FAKE("cuInit", "init");
  return ok;
}
int cuDriverGetVersion(int* version) {
  *version = 13000;
  return ok;
}
int cuGetErrorName(int error, const char** text) {
  *text = error == 2     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == 201 ? "CUDA_ERROR_INVALID_CONTEXT"
          : error == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS"
                         : "CUDA_ERROR_OTHER";
  return ok;
}
int cuGetErrorString(int error, const char** text) {
  *text = error == 700 ? "an illegal memory access was encountered" : "as planned by the test";
  return ok;
}
int cuDeviceGetCount(int* count) {
  *count = fake().devices;
  return ok;
}
int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return ok;
}
int cuDeviceGetName(char* name, int bytes, int) {
  std::strncpy(name, "Fake GPU", static_cast<size_t>(bytes));
  return ok;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  switch (attribute) {
    case 16: *value = 132; return ok;
    case 38: *value = 50 << 20; return ok;
    case 75: *value = fake().sm / 10; return ok;
    case 76: *value = fake().sm % 10; return ok;
    case 97: *value = 227 << 10; return ok;
    default: return invalid_value;
  }
}
int cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = size_t{80} << 30;
  return ok;
}
int cuDevicePrimaryCtxRetain(void** out, int) {
  FAKE("cuDevicePrimaryCtxRetain", "retain");
  fake().retained++;
  *out = &context;
  return ok;
}
int cuDevicePrimaryCtxRelease_v2(int) {
  note("release");
  fake().retained--;
  return ok;
}
int cuCtxPushCurrent_v2(void* pushed) {
  if (const int planned = failure_of("cuCtxPushCurrent_v2"); planned) return planned;
  if (pushed != &context || fake().retained == 0) return invalid_context;
  fake().pushed++;
  return ok;
}
int cuCtxPopCurrent_v2(void** popped) {
  NEEDS_CONTEXT;
  fake().pushed--;
  *popped = &context;
  return ok;
}
int cuCtxSynchronize() {
  NEEDS_CONTEXT;
  FAKE("cuCtxSynchronize", "synchronize");
  return ok;
}
int cuModuleLoadData(void** module, const void* image) {
  NEEDS_CONTEXT;
  const auto* text = static_cast<const char*>(image);
  FAKE("cuModuleLoadData", "load {}", std::memcmp(text, "\177ELF", 4) == 0 ? "cubin" : "other");
  *module = std::malloc(1);
  fake().modules.insert(*module);
  return ok;
}
int cuModuleUnload(void* module) {
  NEEDS_CONTEXT;
  note("unload");
  if (fake().modules.erase(module) == 0) return invalid_value;
  std::free(module);
  return ok;
}
int cuModuleGetFunction(void** out, void* module, const char* name) {
  NEEDS_CONTEXT;
  FAKE("cuModuleGetFunction", "function {}", name);
  if (fake().modules.count(module) == 0) return not_found;
  *out = &function;
  return ok;
}
int cuFuncSetAttribute(void*, int attribute, int value) {
  NEEDS_CONTEXT;
  FAKE("cuFuncSetAttribute", "attribute {} = {}", attribute, value);
  return ok;
}
int cuMemGetInfo_v2(size_t* free_bytes, size_t* total) {
  NEEDS_CONTEXT;
  *free_bytes = 1000;
  *total = size_t{80} << 30;
  return ok;
}
int cuMemAlloc_v2(unsigned long long* address, size_t bytes) {
  NEEDS_CONTEXT;
  FAKE("cuMemAlloc_v2", "allocate {}", bytes);
  if (bytes == 0) return invalid_value;
  void* memory = std::malloc(bytes);
  std::memset(memory, 0xa5, bytes);
  *address = reinterpret_cast<unsigned long long>(memory);
  fake().allocations[*address] = {bytes, fake().allocated++};
  return ok;
}
int cuMemFree_v2(unsigned long long address) {
  NEEDS_CONTEXT;
  note("free {}", name_of(address));
  if (fake().allocations.erase(address) == 0) return invalid_value;
  std::free(reinterpret_cast<void*>(address));
  return ok;
}
int cuMemsetD8_v2(unsigned long long address, unsigned char value, size_t bytes) {
  NEEDS_CONTEXT;
  FAKE("cuMemsetD8_v2", "fill {} {} {}", name_of(address), value, bytes);
  if (!inside(address, bytes)) return invalid_value;
  std::memset(reinterpret_cast<void*>(address), value, bytes);
  return ok;
}
int cuMemcpyHtoD_v2(unsigned long long to, const void* from, size_t bytes) {
  NEEDS_CONTEXT;
  FAKE("cuMemcpyHtoD_v2", "write {} {}", name_of(to), bytes);
  if (!inside(to, bytes)) return invalid_value;
  std::memcpy(reinterpret_cast<void*>(to), from, bytes);
  return ok;
}
int cuMemcpyDtoH_v2(void* to, unsigned long long from, size_t bytes) {
  NEEDS_CONTEXT;
  FAKE("cuMemcpyDtoH_v2", "read {} {}", name_of(from), bytes);
  if (!inside(from, bytes)) return invalid_value;
  std::memcpy(to, reinterpret_cast<void*>(from), bytes);
  return ok;
}
int cuLaunchKernel(void* kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void* stream, void** parameters, void** extra) {
  NEEDS_CONTEXT;
  std::string arguments;
  for (int i = 0; i < fake().pointers; i++)
    arguments += fmt::format(" {}", name_of(*static_cast<unsigned long long*>(parameters[i])));
  for (int i = 0; i < fake().integers; i++)
    arguments += fmt::format(" {}", *static_cast<int*>(parameters[fake().pointers + i]));
  FAKE("cuLaunchKernel", "launch {}x{}x{} {}x{}x{} shared {}{}", gx, gy, gz, bx, by, bz, shared, arguments);
  return kernel == &function && !stream && !extra ? ok : invalid_value;
}

static FakeControls controls{
    .reset = [] { fake() = Fake(); },
    .fail = [](const char* symbol, int call, int error) { fake().failures[symbol] = {call, error}; },
    .set_device =
        [](int count, int sm) {
          fake().devices = count;
          fake().sm = sm;
        },
    .set_parameters =
        [](int pointers, int integers) {
          fake().pointers = pointers;
          fake().integers = integers;
        },
    .log = [] { return fake().log.c_str(); },
    .leaks =
        [] {
          return static_cast<int>(fake().allocations.size() + fake().modules.size()) + fake().retained + fake().pushed;
        }};
FakeControls* fake_controls() { return &controls; }
}
