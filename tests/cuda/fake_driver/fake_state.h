// The state of the fake libcuda: contexts, memory, modules, and streams whose work waits until somebody asks for it.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fake {

constexpr int ok = 0, invalid_value = 1, out_of_memory = 2, invalid_context = 201, invalid_handle = 400,
              not_found = 500, not_ready = 600, illegal_address = 700;

struct Context {
  int device = 0, number = 0;
  bool primary = false;
  int retained = 0;
  int error = ok;  // of work that ran: the context is lost, every later call says so
};

struct Event {
  Context* context = nullptr;
  int recorded = 0, reached = 0;  // how often it was put into a stream, and how often the stream came to it
  std::chrono::steady_clock::time_point time;
};

// One thing that a stream does when its turn comes.
struct Operation {
  std::string what;
  std::function<int()> work;               // the result becomes the context's error
  Event* event = nullptr;                  // recorded, or waited for
  int count = 0;                           // its `recorded` then
  bool waits = false;                      // for the event, instead of recording it
  std::vector<unsigned long long> memory;  // addresses that it touches
  const void* module = nullptr;            // whose code it runs
};

struct Stream {
  Context* context = nullptr;
  int number = 0;
  bool blocking = true;  // synchronises with the legacy stream
  std::deque<Operation> queue;
};

struct Allocation {
  size_t bytes = 0;
  int number = 0;
  Context* context = nullptr;
};

struct Module {
  Context* context = nullptr;
  std::string image;
};

struct Function {
  Module* module = nullptr;
  std::string name;
};

struct State {
  std::recursive_mutex mutex;
  std::string log, faults;
  std::map<std::string, std::pair<int, int>> failures;  // symbol: calls until it fails, error
  std::map<unsigned long long, Allocation> allocations;
  std::set<Module*> modules;
  std::set<Function*> functions;
  std::set<Stream*> streams;
  std::set<Event*> events, destroyed_events;
  std::map<int, Context> primaries;  // by device
  std::set<Context*> contexts;       // of the host program
  std::map<Context*, Stream> legacy;
  int devices = 1, sm = 90, pointers = 0, integers = 0;
  size_t total_bytes = size_t{80} << 30;
  int allocated = 0, stream_count = 0, context_count = 0, pushed = 0;
  int running_failure_after = -1, running_failure = 0;
  bool checked = false;  // emulated kernels have every access judged
};

State& state();
Context* current();  // of this thread; nullptr when none was pushed

int failure_of(const char* symbol);
void fault(const std::string& text);  // a misuse that a real driver might let pass

template <typename... Args>
void note(fmt::format_string<Args...> format, Args&&... args) {
  state().log += fmt::format(format, std::forward<Args>(args)...).append("\n");
}

std::string name_of(unsigned long long address);
// The allocation that holds the whole range; nullptr when there is none in this context.
const std::pair<const unsigned long long, Allocation>* holder(unsigned long long address, size_t bytes);

// ---- streams (fake_streams.cpp)
Stream* stream_of(void* handle);  // of the current context; nullptr for a wrong handle
void enqueue(Stream&, Operation);
void run_all(Stream&);
void reach(Event&, int count);  // runs what stands before that record
void before_free(unsigned long long base, const Allocation&);
bool runs_code_of(const Module*);

// ---- kernels (fake_launch.cpp)
// Runs the kernel on the host when its image holds text (made by the fake NVRTC); nothing otherwise.
int run_kernel(const Function&, unsigned grid, unsigned block, unsigned shared_bytes,
               const std::vector<std::vector<char>>& parameters);
// The bytes of each parameter by the kernel's own text; empty when the image holds none.
std::vector<size_t> parameter_bytes(const Function&);

}  // namespace fake

// Every function of the driver begins with these.
#define FAKE_LOCK const std::lock_guard<std::recursive_mutex> lock(fake::state().mutex)
#define FAKE_PLANNED(symbol) \
  if (const int planned = fake::failure_of(symbol); planned) return planned
#define FAKE_CONTEXT                                  \
  if (!fake::current()) return fake::invalid_context; \
  if (fake::current()->error) return fake::current()->error
