// One launch: runs the blocks one after another, the threads of a block as fibers, and the barriers between them.
#pragma once

#include <array>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "checker.h"
#include "device_abi.h"
#include "emulate.h"
#include "fiber.h"

namespace shoal::emulate {

class Machine {
 public:
  struct Setup {
    EmulateHost* host = nullptr;
    void (*entry)(void**) = nullptr;
    void** arguments = nullptr;
    char* arena = nullptr;
    int64_t shared_bytes = 0;
    int grid = 1, block = 1;
    uint64_t seed = 0;
    Checker* checker = nullptr;                          // null: unchecked
    std::function<int(const void*)> line_of;             // source line of a program counter
    std::function<bool(const void*)> belongs_to_object;  // statics of the shared object itself
  };

  explicit Machine(Setup setup);
  Report run();

 private:
  enum class State : uint8_t { ready, at_barrier, in_collective, done };
  enum class Collective : uint8_t { sync, shuffle, mma_tf32, mma_bf16 };
  struct Thread {
    Machine* machine = nullptr;
    Fiber fiber{};
    State state = State::ready;
    uint16_t index = 0;  // in its block
    int line = 0;        // where it waits
    unsigned mask = 0, bits = 0;
    int lane_mask = 0;
    const unsigned* operands = nullptr;  // of a product: registers of A and B, and of C, which becomes D
    float* accumulators = nullptr;
    Collective collective = Collective::sync;
    std::array<uint32_t, 32> clock{};  // what it knows of the lanes of its warp
    int lane() const { return index % 32; }
    int warp() const { return index / 32; }
  };

  // What EmulateHost points to.
  static void host_barrier(void* machine, int line);
  static void host_sync_warp(void* machine, unsigned mask, int line);
  static unsigned host_shuffle_xor(void* machine, unsigned mask, unsigned bits, int lane_mask, int line);
  static void host_mma(void* machine, int bf16, const unsigned* operands, float* c, int line);
  static void host_access(void* machine, const void* address, long bytes, int is_write, const void* program_counter);
  static void thread_main(void* thread);

  void run_block(int block);
  void resume(Thread&);    // switches to it; its caller continues when switched back to
  void yield();            // the current thread cannot go on: another one runs
  int next_ready();        // by the adversary of this epoch; -1: none
  bool release_barrier();  // all wait at one: opens it
  void collect(Collective kind, unsigned mask, int line);
  void complete(Thread* warp, unsigned mask);
  static void multiply(Thread* warp, bool bf16);
  static const char* name_of(Collective);
  std::string describe_waiting() const;
  void fault(FaultKind, int line, const std::string& what);
  [[noreturn]] void abandon(FaultKind, int line, const std::string& what);

  Setup setup_;
  FiberStacks stacks_;
  std::vector<Thread> threads_;
  Thread* current_ = nullptr;
  Fiber main_;
  Report report_;
  std::set<std::pair<FaultKind, int>> reported_;
  std::mt19937_64 random_;
  uint32_t epoch_ = 0, first_epoch_of_block_ = 0;
  int waiting_ = 0, finished_ = 0;
  bool abandoned_ = false;
};

}  // namespace shoal::emulate
