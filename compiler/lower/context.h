// What the lowering of every nest shares: the builder, the thread's identity, and how a value's element is addressed.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "compiler/kernel/kernel.h"
#include "compiler/lower/address.h"
#include "compiler/plan/plan.h"

namespace shoal::lower {

// Position of the current chunk in the batch: a loop counter (or -1) plus a constant, and how many samples it holds.
struct Chunk {
  Linear base;
  int64_t extent = 1;
};

class Context {
 public:
  Context(const plan::Plan& plan, kernel::Builder& builder);

  // This thread's index along an axis with this binding, and its parts: thread = warp * lane_count + lane. -1 when
  // there is one thread (lane, warp) along the axis.
  int32_t thread(const plan::AxisBinding& binding);
  int32_t lane(const plan::AxisBinding& binding);
  int32_t warp(const plan::AxisBinding& binding);
  int32_t lane_number() const { return lane_; }
  // Predicate that this thread is lane `number`.
  int32_t is_lane(size_t number);
  // Predicate that this thread is the first of those that only repeat its work; -1 when there are none.
  int32_t first_of_idle(const plan::Binding& binding);

  // Reads or writes the element of `value` at sample `sample` (local to the chunk) and unit indices `dims`.
  // `valid` (a pred, or -1): where it is false element 0 is read instead, whatever it holds.
  int32_t load(int32_t value, const Linear& sample, const std::vector<Linear>& dims, int32_t valid);
  void store(int32_t value, const Linear& sample, const std::vector<Linear>& dims, int32_t scalar);
  // Says that the element will be read in the open bracket, before anything is written: elements that stand side by
  // side are then read together.
  void expect(int32_t value, const Linear& sample, const std::vector<Linear>& dims);
  // Writes elements, together where they stand side by side.
  struct Element {
    int32_t value;
    Linear sample;
    std::vector<Linear> dims;
    int32_t scalar;
  };
  void store_all(const std::vector<Element>& elements);
  // Whether the second of two elements stands right behind the first.
  bool neighbours(const Element& first, const Element& second);
  bool in_registers(int32_t value) const { return plan.places[value].kind == plan::Place::Kind::registers; }
  // Computes now what addressing the value needs and is already known, so that loops opened later need not.
  void prepare(int32_t value, const Linear& sample, const std::vector<Linear>& dims);

  void open();  // around every kernel bracket
  void close();
  void forget_expected() { expected_.clear(); }  // what was said before holds under other conditions
  void forget_loads() { loads_.clear(), expected_.clear(); }

  const plan::Plan& plan;
  kernel::Builder& builder;
  Addresses addresses;
  Chunk chunk;
  Linear time;                 // of the loop over time that is being lowered
  int32_t step = -1;           // i32: training steps taken before this one
  bool threads_share = false;  // several threads work on one member, so nests need barriers between them
  bool whole_group = false;    // ... and these barriers are of the whole group, not of one warp

 private:
  struct Target {  // buffer[base + index + imm]
    int32_t buffer = -1, base = -1, index = -1;
    int64_t imm = 0;
    bool operator==(const Target&) const = default;
  };
  Target locate(int32_t value, const Linear& sample, const std::vector<Linear>& dims);
  Target in_matrix(int32_t value, const Linear& sample, const std::vector<Linear>& dims);
  Target in_own_registers(int32_t value, const Linear& sample, const std::vector<Linear>& dims);
  Linear linear(int32_t value, const Linear& sample, const std::vector<Linear>& dims) const;
  int width_at(const Target& target) const;  // widest aligned access that may begin at the target
  int32_t whole_index(const Target& target);

  int32_t part(int32_t id, int32_t div, int32_t count, int32_t total);
  int32_t from_memory(int32_t buffer, DType dtype, int32_t loaded);
  int32_t to_memory(int32_t buffer, DType dtype, int32_t value);

  int32_t lane_ = -1, warp_ = -1;
  ScopedMemo<size_t> is_lane_;
  int32_t member_slot_ = -1;     // number of the member in its group, when members stand side by side in shared memory
  std::vector<int32_t> buffer_;  // by value
  std::vector<int32_t> base_;    // by value: i64 start of the member's (lane block's) part, -1 when there is none
  int32_t scratch_base_ = -1;
  ScopedMemo<std::array<int64_t, 4>> loads_;        // (buffer, base, index, imm)
  std::map<std::array<int64_t, 4>, int> expected_;  // the same with imm / 4: which of the four, a bit each
  std::vector<std::map<int64_t, int64_t>> slots_;   // by value in registers: constant of the position -> register
  ScopedMemo<std::vector<int32_t>> threads_;        // (lane or warp, divisor, count), or the bits of a lane, or both
};

}  // namespace shoal::lower
