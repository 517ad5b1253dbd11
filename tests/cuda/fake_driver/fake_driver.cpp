// A libcuda for machines without a GPU: devices, contexts and code, with a log of calls, planned failures and leaks.
#include "fake_driver.h"

#include <cstdlib>
#include <cstring>

#include "fake_state.h"

namespace fake {

// A driver is a process-wide thing, and so is the fake.
State& state() {
  static State* one = new State;  // never destroyed: programs may call while they end
  return *one;
}

namespace {

thread_local std::vector<Context*> context_stack;

void reset() {
  FAKE_LOCK;
  State& s = state();
  for (auto& [address, allocation] : s.allocations) std::free(reinterpret_cast<void*>(address));
  for (Module* module : s.modules) delete module;
  for (Function* function : s.functions) delete function;
  for (Stream* stream : s.streams) delete stream;
  for (Event* event : s.events) delete event;
  for (Event* event : s.destroyed_events) delete event;
  for (Context* context : s.contexts) delete context;
  context_stack.clear();
  s.log.clear();
  s.faults.clear();
  s.failures.clear();
  s.allocations.clear();
  s.modules.clear();
  s.functions.clear();
  s.streams.clear();
  s.events.clear();
  s.destroyed_events.clear();
  s.primaries.clear();
  s.contexts.clear();
  s.legacy.clear();
  s.devices = 1;
  s.sm = 90;
  s.pointers = s.integers = s.allocated = s.stream_count = s.context_count = s.pushed = 0;
  s.total_bytes = size_t{80} << 30;
  s.running_failure_after = -1;
  s.checked = false;
}

int leaks() {
  FAKE_LOCK;
  const State& s = state();
  int retained = 0;
  for (const auto& [device, context] : s.primaries) retained += context.retained;
  return static_cast<int>(s.allocations.size() + s.modules.size() + s.streams.size() + s.events.size() +
                          s.contexts.size()) +
         retained + s.pushed;
}

}  // namespace

Context* current() { return context_stack.empty() ? nullptr : context_stack.back(); }

int failure_of(const char* symbol) {
  const auto found = state().failures.find(symbol);
  if (found == state().failures.end() || found->second.first-- > 0) return ok;
  const int error = found->second.second;
  state().failures.erase(found);
  return error;
}

void fault(const std::string& text) { state().faults += text + "\n"; }

}  // namespace fake

using namespace fake;

extern "C" {

int cuInit(unsigned) {
  FAKE_LOCK;
  FAKE_PLANNED("cuInit");
  note("init");
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
  *count = state().devices;
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
    case 13: *value = 1980000; return ok;   // clock, kHz
    case 16: *value = 132; return ok;       // multiprocessors
    case 17: *value = 0; return ok;         // a time limit on kernels
    case 38: *value = 50 << 20; return ok;  // L2
    case 75: *value = state().sm / 10; return ok;
    case 76: *value = state().sm % 10; return ok;
    case 97: *value = 227 << 10; return ok;
    case 115: *value = 1; return ok;  // memory pools
    default: return invalid_value;
  }
}
int cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = state().total_bytes;
  return ok;
}

// ---- contexts

int cuDevicePrimaryCtxRetain(void** out, int device) {
  FAKE_LOCK;
  FAKE_PLANNED("cuDevicePrimaryCtxRetain");
  note("retain");
  Context& context = state().primaries[device];
  context.device = device;
  context.primary = true;
  context.retained++;
  *out = &context;
  return ok;
}
int cuDevicePrimaryCtxRelease_v2(int device) {
  FAKE_LOCK;
  note("release");
  state().primaries[device].retained--;
  return ok;
}
int cuCtxCreate_v2(void** out, unsigned, int device) {
  FAKE_LOCK;
  auto* context = new Context{.device = device, .number = ++state().context_count, .primary = false};
  state().contexts.insert(context);
  context_stack.push_back(context);
  state().pushed++;
  *out = context;
  return ok;
}
int cuCtxDestroy_v2(void* handle) {
  FAKE_LOCK;
  auto* context = static_cast<Context*>(handle);
  if (state().contexts.erase(context) == 0) return invalid_context;
  if (current() == context) {
    context_stack.pop_back();
    state().pushed--;
  }
  for (const auto& [base, allocation] : state().allocations)
    if (allocation.context == context) fault(fmt::format("memory{} outlives its context", allocation.number));
  delete context;
  return ok;
}
int cuCtxPushCurrent_v2(void* handle) {
  FAKE_LOCK;
  FAKE_PLANNED("cuCtxPushCurrent_v2");
  auto* context = static_cast<Context*>(handle);
  const bool known = state().contexts.count(context) != 0 || (context && context->primary && context->retained > 0);
  if (!known) return invalid_context;
  context_stack.push_back(context);
  state().pushed++;
  return ok;
}
int cuCtxPopCurrent_v2(void** popped) {
  FAKE_LOCK;
  if (!current()) return invalid_context;
  *popped = current();
  context_stack.pop_back();
  state().pushed--;
  return ok;
}
int cuCtxGetDevice(int* device) {
  FAKE_LOCK;
  if (!current()) return invalid_context;
  *device = current()->device;
  return ok;
}
int cuCtxGetCurrent(void** context) {
  *context = current();
  return ok;
}
int cuCtxSynchronize() {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuCtxSynchronize");
  for (Stream* stream : state().streams)
    if (stream->context == current()) run_all(*stream);
  run_all(*stream_of(nullptr));
  note("synchronize");
  return current()->error;
}

// ---- code

int cuModuleLoadDataEx(void** out, const void* image, unsigned count, int* options, void** values) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  const auto* text = static_cast<const char*>(image);
  const bool cubin = std::memcmp(text, "\177ELF", 4) == 0;
  note("load {}", cubin ? "cubin" : "ptx");
  if (const int planned = failure_of(cubin ? "load cubin" : "load ptx"); planned) {
    for (unsigned i = 0; i < count; i++)
      if (options[i] == 5) std::strcpy(static_cast<char*>(values[i]), "ptxas: as planned by the test");  // error log
    return planned;
  }
  auto* module = new Module{current(), {}};
  // Images of the fake NVRTC are text behind a mark; a cubin of the real one has zeros in it and is not looked at.
  if (cubin && std::strncmp(text + 4, "shoal text image\n", 17) == 0) module->image = text + 21;
  if (!cubin) module->image = text;
  state().modules.insert(module);
  *out = module;
  return ok;
}
int cuModuleUnload(void* handle) {
  FAKE_LOCK;
  if (!current()) return invalid_context;
  auto* module = static_cast<Module*>(handle);
  note("unload");
  if (state().modules.erase(module) == 0) return invalid_value;
  if (runs_code_of(module)) fault("code is unloaded while a launch of it waits");
  delete module;
  return ok;
}
int cuModuleGetFunction(void** out, void* handle, const char* name) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuModuleGetFunction");
  note("function {}", name);
  auto* module = static_cast<Module*>(handle);
  if (state().modules.count(module) == 0) return not_found;
  if (!module->image.empty() && module->image.find(name) == std::string::npos) return not_found;
  auto* function = new Function{module, name};
  state().functions.insert(function);
  *out = function;
  return ok;
}
int cuFuncSetAttribute(void*, int attribute, int value) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  FAKE_PLANNED("cuFuncSetAttribute");
  note("attribute {} = {}", attribute, value);
  return ok;
}
int cuFuncGetAttribute(int* value, int attribute, void*) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  *value = attribute == 4 ? 32 : 0;  // registers; everything else, local memory too, is none
  return ok;
}
int cuLaunchKernel(void* handle, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void* stream_handle, void** values, void** extra) {
  FAKE_LOCK;
  FAKE_CONTEXT;
  auto* function = static_cast<Function*>(handle);
  if (state().functions.count(function) == 0 || extra) return invalid_handle;
  Stream* stream = stream_of(stream_handle);
  if (!stream) return invalid_handle;
  std::vector<size_t> sizes = parameter_bytes(*function);
  if (sizes.empty()) {
    sizes.assign(static_cast<size_t>(state().pointers), 8);
    sizes.insert(sizes.end(), static_cast<size_t>(state().integers), 4);
  }
  std::string arguments;
  std::vector<std::vector<char>> parameters;
  Operation operation;
  for (size_t i = 0; i < sizes.size(); i++) {
    const char* bytes = static_cast<const char*>(values[i]);
    parameters.emplace_back(bytes, bytes + sizes[i]);
    if (sizes[i] == 8) {
      unsigned long long address = 0;
      std::memcpy(&address, bytes, 8);
      operation.memory.push_back(address);
      arguments += fmt::format(" {}", name_of(address));
    } else {
      int value = 0;
      std::memcpy(&value, bytes, 4);
      arguments += fmt::format(" {}", value);
    }
  }
  FAKE_PLANNED("cuLaunchKernel");
  note("launch {}x{}x{} {}x{}x{} shared {}{} on stream{}", gx, gy, gz, bx, by, bz, shared, arguments, stream->number);
  operation.what = "launch of " + function->name;
  operation.module = function->module;
  operation.work = [function = *function, gx, bx, shared, parameters = std::move(parameters)] {
    State& s = state();
    if (s.running_failure_after >= 0 && s.running_failure_after-- == 0) return s.running_failure;
    return run_kernel(function, gx, bx, shared, parameters);
  };
  enqueue(*stream, std::move(operation));
  return gy == 1 && gz == 1 && by == 1 && bz == 1 ? ok : invalid_value;
}

static FakeControls controls{
    .reset = reset,
    .fail = [](const char* symbol, int call, int error) { state().failures[symbol] = {call, error}; },
    .fail_running =
        [](int launch, int error) {
          state().running_failure_after = launch;
          state().running_failure = error;
        },
    .set_device =
        [](int count, int sm) {
          state().devices = count;
          state().sm = sm;
        },
    .set_memory = [](unsigned long long bytes) { state().total_bytes = bytes; },
    .set_parameters =
        [](int pointers, int integers) {
          state().pointers = pointers;
          state().integers = integers;
        },
    .set_checked = [](bool checked) { state().checked = checked; },
    .log = [] { return state().log.c_str(); },
    .faults = [] { return state().faults.c_str(); },
    .leaks = leaks};
FakeControls* fake_controls() { return &controls; }
}
