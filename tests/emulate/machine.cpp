// Scheduling of fibers, barriers, warp collectives.
#include "machine.h"

#include <fmt/format.h>
#include <xmmintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "compiler/support/error.h"

namespace shoal::emulate {
namespace {

constexpr size_t most_faults = 32;

// --ftz=true: denormal operands and results of f32 arithmetic are zero. Fibers inherit the mode of whoever switches to
// them.
class FlushDenormals {
 public:
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }  // FTZ and DAZ
  ~FlushDenormals() { _mm_setcsr(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned before_;
};

}  // namespace

Machine::Machine(Setup setup)
    : setup_(std::move(setup)),
      stacks_(setup_.block),
      threads_(static_cast<size_t>(setup_.block)),
      random_(setup_.seed) {
  EmulateHost& host = *setup_.host;
  host.machine = this;
  host.block_size = {static_cast<unsigned>(setup_.block), 1, 1};
  host.grid_size = {static_cast<unsigned>(setup_.grid), 1, 1};
  host.barrier = host_barrier;
  host.sync_warp = host_sync_warp;
  host.shuffle_xor = host_shuffle_xor;
  host.mma = host_mma;
  host.access = host_access;
}

Report Machine::run() {
  const FlushDenormals flush;
  for (int block = 0; block < setup_.grid && !abandoned_; block++) run_block(block);
  return std::move(report_);
}

void Machine::run_block(int block) {
  setup_.host->block_index = {static_cast<unsigned>(block), 0, 0};
  // NaN as a float, -1 as an integer: a value that was never written cannot pass for one that was.
  std::memset(setup_.arena, 0xff, static_cast<size_t>(setup_.shared_bytes));
  first_epoch_of_block_ = ++epoch_;
  waiting_ = finished_ = 0;
  for (int t = 0; t < setup_.block; t++) {
    Thread& thread = threads_[t];
    thread = Thread{.machine = this, .index = static_cast<uint16_t>(t)};
    thread.clock[thread.lane()] = 1;
    prepare(thread.fiber, stacks_.top(t), thread_main, &thread);
  }
  const int first = next_ready();
  current_ = &threads_[first];
  setup_.host->thread_index.x = static_cast<unsigned>(first);
  switch_fiber(main_, current_->fiber);
  current_ = nullptr;
}

void Machine::thread_main(void* argument) {
  Thread& thread = *static_cast<Thread*>(argument);
  Machine& machine = *thread.machine;
  machine.setup_.entry(machine.setup_.arguments);
  thread.state = State::done;
  machine.finished_++;
  machine.yield();
}

void Machine::resume(Thread& next) {
  Thread& self = *current_;
  if (&next == &self) return;
  current_ = &next;
  setup_.host->thread_index.x = next.index;
  report_.switches++;
  switch_fiber(self.fiber, next.fiber);
}

void Machine::yield() {
  for (;;) {
    if (const int next = next_ready(); next >= 0) return resume(threads_[next]);
    if (finished_ == setup_.block) {
      switch_fiber(current_->fiber, main_);
    } else if (!release_barrier()) {
      const auto waits = [](const Thread& thread) { return thread.state != State::done; };
      const auto first = std::find_if(threads_.begin(), threads_.end(), waits);
      abandon(FaultKind::deadlock, first->line, describe_waiting());
    }
  }
}

// Three adversaries take turns from barrier to barrier: threads in ascending order, in descending order, at random.
int Machine::next_ready() {
  const int n = setup_.block;
  const auto turn = (setup_.seed + epoch_) % 3;
  const int from = turn == 2 ? static_cast<int>(random_() % static_cast<uint64_t>(n))
                             : (current_ ? current_->index + (turn == 1 ? n - 1 : 1) : (turn == 1 ? n - 1 : 0));
  for (int k = 0; k < n; k++) {
    const int t = turn == 1 ? (from + n - k) % n : (from + k) % n;
    if (threads_[t].state == State::ready) return t;
  }
  return -1;
}

bool Machine::release_barrier() {
  if (waiting_ != setup_.block) return false;
  for (const Thread& thread : threads_)
    if (thread.line != threads_[0].line)
      abandon(FaultKind::divergent, thread.line,
              fmt::format("thread 0 waits in __syncthreads at line {}, thread {} at line {}", threads_[0].line,
                          thread.index, thread.line));
  epoch_++;
  waiting_ = 0;
  for (Thread& thread : threads_) thread.state = State::ready;
  return true;
}

void Machine::host_barrier(void* self, int line) {
  Machine& machine = *static_cast<Machine*>(self);
  machine.current_->state = State::at_barrier;
  machine.current_->line = line;
  machine.waiting_++;
  machine.yield();
}

void Machine::host_sync_warp(void* self, unsigned mask, int line) {
  static_cast<Machine*>(self)->collect(Collective::sync, mask, line);
}

unsigned Machine::host_shuffle_xor(void* self, unsigned mask, unsigned bits, int lane_mask, int line) {
  Machine& machine = *static_cast<Machine*>(self);
  Thread& thread = *machine.current_;
  thread.bits = bits;
  thread.lane_mask = lane_mask;
  machine.collect(Collective::shuffle, mask, line);
  return thread.bits;
}

void Machine::host_mma(void* self, int bf16, const unsigned* operands, float* c, int line) {
  Machine& machine = *static_cast<Machine*>(self);
  machine.current_->operands = operands;
  machine.current_->accumulators = c;
  machine.collect(bf16 ? Collective::mma_bf16 : Collective::mma_tf32, 0xffffffffu, line);
}

const char* Machine::name_of(Collective kind) {
  switch (kind) {
    case Collective::sync: return "__syncwarp";
    case Collective::shuffle: return "__shfl_xor_sync";
    case Collective::mma_tf32: return "shoal_mma_tf32";
    case Collective::mma_bf16: return "shoal_mma_bf16";
  }
  return "";
}

// m16n8k8 of tf32, m16n8k16 of bf16: whole matrices from the lanes' registers, by the tables of the PTX manual. Sums
// run from k = 0, each rounded once.
void Machine::multiply(Thread* warp, bool bf16) {
  const int pack = bf16 ? 2 : 1, depth = 8 * pack;
  float a[16][16], b[16][8];
  const auto number = [&](unsigned bits, int n) {
    const unsigned upper = bf16 ? (n == 0 ? bits << 16 : bits & 0xffff0000u) : bits & 0xffffe000u;
    return std::bit_cast<float>(upper);
  };
  for (int lane = 0; lane < 32; lane++) {
    const unsigned* own = warp[lane].operands;
    for (int n = 0; n < pack; n++) {
      const int row = lane >> 2, column = (lane & 3) * pack + n, next = column + 4 * pack;
      a[row][column] = number(own[0], n), a[row + 8][column] = number(own[1], n);
      a[row][next] = number(own[2], n), a[row + 8][next] = number(own[3], n);
      b[column][row] = number(own[4], n), b[next][row] = number(own[5], n);
    }
  }
  for (int lane = 0; lane < 32; lane++)
    for (int i = 0; i < 4; i++) {
      float& c = warp[lane].accumulators[i];
      for (int k = 0; k < depth; k++)
        c = std::fma(a[(lane >> 2) + (i > 1 ? 8 : 0)][k], b[k][(lane & 3) * 2 + (i & 1)], c);
    }
}

// Waits until every thread of `mask` has arrived at the same call; the last one performs it for all.
void Machine::collect(Collective kind, unsigned mask, int line) {
  Thread& self = *current_;
  const char* what = name_of(kind);
  Thread* warp = &threads_[static_cast<size_t>(self.warp()) * 32];
  const int lanes = std::min(32, setup_.block - self.warp() * 32);
  if (lanes < 32) mask &= (1u << lanes) - 1;  // a short last warp: threads that do not exist count as exited
  if (!(mask >> self.lane() & 1))
    abandon(FaultKind::lane_operation, line,
            fmt::format("{} called by thread {}, which its mask lacks", what, self.index));
  self.state = State::in_collective;
  self.collective = kind;
  self.mask = mask;
  self.line = line;
  for (unsigned rest = mask; rest; rest &= rest - 1) {
    const Thread& other = warp[std::countr_zero(rest)];
    if (other.state != State::in_collective || other.mask != mask || other.line != line || other.collective != kind)
      return yield();
  }
  complete(warp, mask);
}

void Machine::complete(Thread* warp, unsigned mask) {
  const auto for_each = [&](auto&& act) {
    for (unsigned rest = mask; rest; rest &= rest - 1) act(warp[std::countr_zero(rest)]);
  };
  if (current_->collective == Collective::sync) {
    std::array<uint32_t, 32> known{};
    for_each([&](const Thread& t) {
      for (int lane = 0; lane < 32; lane++) known[lane] = std::max(known[lane], t.clock[lane]);
    });
    for_each([&](Thread& t) {
      t.clock = known;
      t.clock[t.lane()]++;  // what it does from now on is known to nobody yet
    });
  } else if (current_->collective != Collective::shuffle) {
    if (mask != 0xffffffffu)
      abandon(FaultKind::lane_operation, current_->line,
              fmt::format("{} by a warp of fewer than 32 threads", name_of(current_->collective)));
    multiply(warp, current_->collective == Collective::mma_bf16);
  } else {
    std::array<unsigned, 32> bits{};
    for_each([&](const Thread& t) {
      const int source = t.lane() ^ t.lane_mask;
      if (source > 31 || !(mask >> source & 1))
        abandon(FaultKind::lane_operation, t.line,
                fmt::format("__shfl_xor_sync of thread {} reads lane {}, which takes no part", t.index, source));
      bits[t.lane()] = warp[source].bits;
    });
    for_each([&](Thread& t) { t.bits = bits[t.lane()]; });
  }
  for_each([](Thread& t) { t.state = State::ready; });
}

void Machine::host_access(void* self, const void* address, long bytes, int is_write, const void* program_counter) {
  Machine& machine = *static_cast<Machine*>(self);
  if (machine.stacks_.contains(address)) return;
  const Thread& thread = *machine.current_;
  const Observer observer{machine.epoch_, machine.first_epoch_of_block_, thread.index, &thread.clock};
  const auto complain = [&](FaultKind kind, const std::string& what) {
    machine.fault(kind, machine.setup_.line_of(program_counter), what);
  };
  const auto* at = static_cast<const char*>(address);
  machine.report_.accesses++;
  if (machine.setup_.checker->access(observer, at, bytes, is_write != 0, complain)) return;
  if (machine.setup_.belongs_to_object(address)) return;
  // The access itself would end the process.
  machine.abandon(FaultKind::out_of_bounds, machine.setup_.line_of(program_counter),
                  fmt::format("{} of an address in no buffer by thread {}", is_write ? "write" : "read", thread.index));
}

std::string Machine::describe_waiting() const {
  std::string text = "not all threads arrive:";
  const Thread* last = nullptr;
  int shown = 0;
  for (const Thread& thread : threads_) {
    if (last && last->state == thread.state && last->line == thread.line && last->mask == thread.mask) continue;
    last = &thread;
    if (shown++ == 6) return text + " ...";
    const std::string where = thread.state == State::done ? "has exited"
                              : thread.state == State::at_barrier
                                  ? "waits in __syncthreads"
                                  : fmt::format("waits in {}", name_of(thread.collective));
    text += fmt::format(" [thread {} {}{}]", thread.index, where,
                        thread.state == State::done ? "" : fmt::format(" at line {}", thread.line));
  }
  return text;
}

void Machine::fault(FaultKind kind, int line, const std::string& what) {
  if (report_.faults.size() >= most_faults || !reported_.insert({kind, line}).second) return;
  report_.faults.push_back(
      {kind, line, fmt::format("kernel.cu:{}: block {}: {}", line, setup_.host->block_index.x, what)});
}

void Machine::abandon(FaultKind kind, int line, const std::string& what) {
  fault(kind, line, what);
  abandoned_ = true;
  switch_fiber(current_->fiber, main_);  // never resumed: fibers own nothing that would need unwinding
  throw InternalError("internal error: an abandoned thread was resumed");
}

}  // namespace shoal::emulate
