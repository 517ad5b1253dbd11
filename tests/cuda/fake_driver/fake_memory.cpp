// Memory of the fake libcuda: on the host, filled with a pattern; copies happen when their stream comes to them.
#include <cstdlib>
#include <cstring>

#include "fake_state.h"

namespace fake {
namespace {

int allocate(unsigned long long* address, size_t bytes) {
  if (bytes == 0) return invalid_value;
  size_t used = 0;
  for (const auto& [base, allocation] : state().allocations) used += allocation.bytes;
  if (bytes > state().total_bytes - used) return out_of_memory;
  void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!memory) return out_of_memory;
  std::memset(memory, 0xa5, bytes);
  *address = reinterpret_cast<unsigned long long>(memory);
  state().allocations[*address] = {bytes, state().allocated++, current()};
  return ok;
}

int release(unsigned long long address) {
  const auto found = state().allocations.find(address);
  if (found == state().allocations.end()) return invalid_value;
  std::free(reinterpret_cast<void*>(address));
  state().allocations.erase(found);
  return ok;
}

int put(Stream* stream, std::string what, unsigned long long device, std::function<int()> work) {
  if (!stream) return invalid_handle;
  enqueue(*stream, {.what = std::move(what), .work = std::move(work), .memory = {device}});
  return ok;
}

// What a host range holds, to find out later whether somebody changed it while a copy of it was waiting.
std::vector<char> snapshot(const void* from, size_t bytes) {
  return {static_cast<const char*>(from), static_cast<const char*>(from) + bytes};
}

}  // namespace

std::string name_of(unsigned long long address) {
  for (const auto& [base, allocation] : state().allocations) {
    if (address == base) return fmt::format("memory{}", allocation.number);
    if (address > base && address < base + allocation.bytes)
      return fmt::format("memory{}+{}", allocation.number, address - base);
  }
  return "nowhere";
}

const std::pair<const unsigned long long, Allocation>* holder(unsigned long long address, size_t bytes) {
  for (const auto& entry : state().allocations)
    if (entry.second.context == current() && address >= entry.first &&
        address + bytes <= entry.first + entry.second.bytes)
      return &entry;
  return nullptr;
}

}  // namespace fake

using namespace fake;

extern "C" {

int cuMemGetInfo_v2(size_t* free_bytes, size_t* total) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  *total = *free_bytes = state().total_bytes;
  for (const auto& [base, allocation] : state().allocations) *free_bytes -= allocation.bytes;
  return ok;
}
int cuMemAlloc_v2(unsigned long long* address, size_t bytes) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuMemAlloc_v2");
  note("allocate {}", bytes);
  return allocate(address, bytes);
}
int cuMemFree_v2(unsigned long long address) {
  FAKE_LOCK;
  if (!current()) return invalid_context;
  note("free {}", name_of(address));
  if (const auto* entry = holder(address, 1)) before_free(entry->first, entry->second);
  return release(address);
}
int cuMemAllocAsync(unsigned long long* address, size_t bytes, void* stream) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuMemAllocAsync");
  if (!stream_of(stream)) return invalid_handle;
  note("allocate {} on stream{}", bytes, stream_of(stream)->number);
  return allocate(address, bytes);
}
int cuMemFreeAsync(unsigned long long address, void* stream) {
  FAKE_LOCK;
  if (!current()) return invalid_context;
  if (!holder(address, 1)) return invalid_value;
  note("free {} on stream{}", name_of(address), stream_of(stream)->number);
  if (current()->error) return release(address);
  return put(stream_of(stream), "free " + name_of(address), address, [address] { return release(address); });
}
int cuMemsetD8Async(unsigned long long address, unsigned char value, size_t bytes, void* stream) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuMemsetD8Async");
  if (!holder(address, bytes)) return invalid_value;
  note("fill {} {} {}", name_of(address), value, bytes);
  return put(stream_of(stream), "fill " + name_of(address), address, [=] {
    std::memset(reinterpret_cast<void*>(address), value, bytes);
    return ok;
  });
}
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void* from, size_t bytes, void* stream) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuMemcpyHtoDAsync_v2");
  if (!holder(to, bytes)) return invalid_value;
  note("write {} {}", name_of(to), bytes);
  return put(stream_of(stream), "write " + name_of(to), to, [=, before = snapshot(from, bytes)] {
    if (std::memcmp(from, before.data(), bytes) != 0) fault("host memory changed while its copy to the GPU waited");
    std::memcpy(reinterpret_cast<void*>(to), from, bytes);
    return ok;
  });
}
int cuMemcpyDtoHAsync_v2(void* to, unsigned long long from, size_t bytes, void* stream) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuMemcpyDtoHAsync_v2");
  if (!holder(from, bytes)) return invalid_value;
  note("read {} {}", name_of(from), bytes);
  return put(stream_of(stream), "read " + name_of(from), from, [=] {
    std::memcpy(to, reinterpret_cast<void*>(from), bytes);
    return ok;
  });
}

// The synchronous copies wait for the legacy stream and what it waits for, and for nothing else.
int cuMemcpyHtoD_v2(unsigned long long to, const void* from, size_t bytes) {
  const int result = cuMemcpyHtoDAsync_v2(to, from, bytes, nullptr);
  FAKE_LOCK;
  if (result == ok) run_all(*stream_of(nullptr));
  return result;
}
int cuMemcpyDtoH_v2(void* to, unsigned long long from, size_t bytes) {
  const int result = cuMemcpyDtoHAsync_v2(to, from, bytes, nullptr);
  FAKE_LOCK;
  if (result == ok) run_all(*stream_of(nullptr));
  return result;
}

int cuMemGetAddressRange_v2(unsigned long long* base, size_t* bytes, unsigned long long address) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  const auto* entry = holder(address, 1);
  if (!entry) return not_found;
  *base = entry->first;
  *bytes = entry->second.bytes;
  return ok;
}
int cuPointerGetAttribute(void* value, int attribute, unsigned long long address) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  if (attribute != 2 || !holder(address, 1)) return invalid_value;
  *static_cast<unsigned*>(value) = 2;  // memory of the device
  return ok;
}
}
