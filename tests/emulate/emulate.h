// Runs emitted CUDA TEXT on the CPU: the text is compiled by g++, every CUDA thread is a fiber, barriers and shuffles
// are real, and (check) every access is judged: bounds, alignment, uninitialised shared memory, races.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace shoal::emulate {

struct Options {
  bool check =
      true;  // judge accesses; without it only barriers and collectives are, and the code runs ten times faster
};

enum class FaultKind : uint8_t {
  race,
  out_of_bounds,
  misaligned,
  uninitialised,   // a shared word read before any thread of the block wrote it
  read_only,       // a write to a buffer that the caller bound as read-only
  divergent,       // threads of a block wait at different barriers
  deadlock,        // a barrier or collective that not all of its threads reach
  lane_operation,  // a collective called with a mask that cannot hold
};

struct Fault {
  FaultKind kind;
  int line = 0;         // of the text; 0 where there is no single one
  std::string message;  // "race at kernel.cu:12: ..."
};

struct Report {
  std::vector<Fault> faults;  // in order of discovery, one for each place and kind; a fatal one ends the launch
  int64_t switches = 0, accesses = 0;
  bool clean() const { return faults.empty(); }
  std::string text() const;  // all messages, a line each
};

// One kernel argument. Buffers are copied in before a launch and back after it.
struct Argument {
  std::string name;
  void* data = nullptr;
  int64_t bytes = 0;
  bool read_only = false;
  bool is_buffer = true;
  int32_t scalar = 0;
};
template <typename T>
Argument buffer(const std::string& name, std::vector<T>& data) {
  return {.name = name, .data = data.data(), .bytes = static_cast<int64_t>(data.size() * sizeof(T))};
}
template <typename T>
Argument read_only(const std::string& name, std::vector<T>& data) {
  Argument argument = buffer(name, data);
  argument.read_only = true;
  return argument;
}
inline Argument scalar(int32_t value) { return {.name = {}, .is_buffer = false, .scalar = value}; }

class Program {
 public:
  Program(Program&&) noexcept;
  ~Program();
  // One-dimensional grid and block; f32 denormals are flushed, as under --ftz=true. `seed` chooses the order of threads
  // between barriers: three adversaries (ascending, descending, random) take turns, beginning with seed % 3.
  Report launch(int grid, int block, int64_t shared_bytes, const std::vector<Argument>&, uint64_t seed = 0);

 private:
  friend Program compile(const std::string&, const std::string&, Options);
  struct Loaded;
  explicit Program(std::unique_ptr<Loaded>);
  std::unique_ptr<Loaded> loaded_;
};

// Throws CompileError with g++'s log and the text. Shared memory must be `extern __shared__ float4 shoal_arena[]`.
Program compile(const std::string& cuda_text, const std::string& kernel_name, Options = {});

}  // namespace shoal::emulate
