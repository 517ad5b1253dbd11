// The interpreter's form of a kernel: resolved jumps, values in reused slots, leaves set once a thread.
#pragma once

#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::kernel {

// A value of a thread. An i32 and an f32 share their place with an element of memory.
union Slot {
  float f;
  int32_t i;
  int64_t l;
};

// What the interpreter dispatches on: an opcode with its operand type resolved.
enum class Step : uint8_t {
  add_f32,
  add_i32,
  add_i64,
  sub_f32,
  sub_i32,
  sub_i64,
  mul_f32,
  mul_i32,
  mul_i64,
  fma,
  div_f32,
  div_i32,
  rem,
  max_f32,
  max_i32,
  min_f32,
  min_i32,
  neg,
  abs,
  floor,
  sqrt,
  exp2,
  rcp,
  band,
  bor,
  bxor,
  shl,
  shr,
  lt_f32,
  lt_i32,
  lt_i64,
  le_f32,
  le_i32,
  le_i64,
  eq_f32,
  eq_i32,
  eq_i64,
  select,
  i32_to_f32,
  f32_to_i32,
  i32_to_i64,
  copy,
  loop,
  loop_end,
  when,
  again,
  load,
  load_f16,
  load_bf16,
  store,
  lanes_xor,
  tf32,
  bf16_pair,
  mma_tf32,
  mma_bf16,
  barrier_warp,
  barrier_group,
  finish
};

struct Decoded {
  Step step = Step::finish;
  uint8_t unused_operands = 0;  // load, store: bit 0 without base, bit 1 without index
  int32_t result = 0;           // slots
  int32_t a = 0, b = 0, c = 0;
  int32_t target = 0;  // of a jump; buffer of a load or store
  int64_t imm = 0;
  int32_t source = 0;  // index of the instruction
};

struct Program {
  std::vector<Decoded> code;                            // ends with finish
  int32_t slots = 0;                                    // of a thread
  std::vector<std::pair<int32_t, Instruction>> leaves;  // slot, and the leaf that it holds throughout
};

Program decode(const Kernel&);

}  // namespace shoal::kernel
