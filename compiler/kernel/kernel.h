// The kernel: the SPMD loop program of one thread (CUDA) or one vector lane (CPU), as a flat list of instructions.
//
// An instruction's index is its value's name. Structure is bracketed (loop/when ... end, repeat ... again); a value may
// be used after its definition, in the same or an inner bracket. Mutable state lives in `var`s and in buffers. A group
// runs `warps` * `lanes` threads; on the CPU a warp is a thread and its lanes are the elements of one vector register.
// Indexing: element units, never bytes. Everything that differs from thread to thread comes from `lane` and `warp`
// or from memory.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::kernel {

enum class Op : uint8_t {
#define SHOAL_OPCODE(name, operands, kind) name,
#include "compiler/kernel/opcodes.inc"
#undef SHOAL_OPCODE
};
enum class OpKind : uint8_t { leaf, arith, variable, control, memory, lanes, tensor, sync };
// f16 and bf16 are of the elements of global buffers that are never written; what is loaded from them is an f32.
enum class Type : uint8_t { none, f32, i32, i64, pred, f16, bf16 };

// global: device memory, an argument.  shared: of the group (CPU: scratch of the worker or team, cache resident).
// local: of the thread, in registers; every access has a constant index.
enum class Space : uint8_t { global, shared, local };

struct Buffer {
  std::string name;  // readable, a valid C identifier, unique
  Space space = Space::global;
  Type type = Type::f32;  // of an element: f32, i32, f16 or bf16
  int64_t size = 0;       // elements; of a global buffer 0 when it depends on the population (then unchecked)
  int64_t offset = 0;     // shared: element offset in the group's arena; buffers of disjoint lifetimes may overlap
  bool written = false;   // some instruction stores to it
};

struct Instruction {
  Op op = Op::constant;
  Type type = Type::none;  // of the result
  std::array<int32_t, 3> args{-1, -1, -1};
  int64_t imm = 0;      // see opcodes.inc
  float fimm = 0;       // constant of type f32
  int32_t buffer = -1;  // load, store
  uint8_t width = 1;    // load, store: 1, or 2 or 4 consecutive elements (see below)
  bool operator==(const Instruction&) const = default;
};
// A wide load (width w) is followed by nothing special: it is w instructions, the first with width w, the next w-1 with
// width 0 and imm one higher each; so every element is a value of its own and only emitters see the group. Wide stores
// likewise. Builder::load appends all w of them; a wide store is w calls of Builder::store, with width w, 0, 0, 0.

struct Kernel {
  std::string name = "shoal_kernel";
  int32_t warps = 1, lanes = 1;
  int64_t shared_elements = 0;       // size of the group's arena, in 4-byte elements
  std::vector<Buffer> buffers;       // global ones first: their order is the order of the kernel's arguments
  std::vector<std::string> scalars;  // i32 arguments, after the buffers
  std::vector<Instruction> code;
  std::string header;  // comment lines for emitted source: spec, schedule, key, flops, bytes
};

std::string_view op_name(Op);
int op_operands(Op);
OpKind op_kind(Op);
std::string_view type_name(Type);  // "none", "f32", "i32", "i64", "pred", "f16", "bf16"
Type loaded_type(Type element);    // f32 for f16 and bf16
int64_t element_bytes(Type);       // of an element of a buffer
std::string_view space_name(Space);

// Appends instructions with types derived and checked, folds integer arithmetic on constants (constant parts of an
// index go to imm), and reuses equal constants and leaves of the enclosing brackets. What lowering and decompose write
// with.
class Builder {
 public:
  explicit Builder(Kernel& kernel) : kernel_(kernel) {}
  int32_t constant(float);
  int32_t constant_i32(int64_t);
  int32_t constant_i64(int64_t);
  int32_t constant_pred(bool);
  int32_t leaf(Op);  // group, warp, lane
  int32_t scalar(int32_t index);
  int32_t emit(Op, int32_t a, int32_t b = -1, int32_t c = -1);  // arith; result type derived
  int32_t var(int32_t initial);
  int32_t get(int32_t var);
  void set(int32_t var, int32_t value);
  int32_t loop(int32_t count, int64_t step = 1);
  void when(int32_t pred);
  void repeat();
  void again(int32_t pred);
  void end();
  int32_t load(int32_t buffer, int32_t base, int32_t index, int64_t imm, int width = 1);
  void store(int32_t buffer, int32_t base, int32_t index, int64_t imm, int32_t value, int width = 1);
  int32_t lanes_xor(int32_t value, int64_t mask);
  // D = A * B + C by tensor cores: registers of the fragments that kernel/tensor.h describes. A and B are f32 (their
  // upper 19 bits count) or pairs of bf16 (i32).
  std::array<int32_t, 4> mma(const std::array<int32_t, 4>& a, const std::array<int32_t, 2>& b,
                             const std::array<int32_t, 4>& c);
  void barrier(bool whole_group);
  Type type(int32_t value) const { return kernel_.code[value].type; }
  Kernel& kernel() { return kernel_; }

 private:
  // An open bracket, and the constants and leaves defined in it, ordered by content.
  struct Bracket {
    Op opener = Op::end;  // of the outermost bracket, the kernel itself: end
    std::vector<int32_t> leaves;
  };
  int32_t append(Instruction);
  int32_t append_leaf(Instruction);  // or one that is visible already
  void open(Instruction);
  void check_value(int32_t value, const char* use) const;
  Kernel& kernel_;
  std::vector<Bracket> brackets_{1};
};

// One instruction a line, buffers and scalars first, brackets indented. parse_kernel(print(k)) equals k.
std::string print(const Kernel&);
Kernel parse_kernel(std::string_view text);  // throws SpecError, place "kernel:<line>"

// Types, operand visibility, brackets, uniformity of loop counts, of barriers and of lane operations (not under a
// `when` or `repeat` whose predicate differs between the threads that must meet), static bounds where an index is
// static, wide groups, local accesses with constant index. Throws InternalError that prints the instruction.
void verify(const Kernel&, std::string_view after);

// Static counts for the whole launch of one group. A loop's count may be integer arithmetic on constants and `scalars`
// (by index); one that depends on group, warp, lane or an outer counter is taken at 0, one that depends on memory or a
// var as one trip. Bodies of `when` count in full, of `repeat` once. Every f32 operation (compare and select too) is a
// flop, and div and sqrt are a transcendental as well; conversions are integer. Instructions leave out leaves and
// variables, which are registers, and count a wide access once.
struct Estimate {
  double fma = 0, flops = 0, transcendental = 0, integer = 0;  // per group, all threads; an fma counts as 2 flops
  double global_bytes = 0, shared_bytes = 0;                   // bytes asked for by all threads
  double instructions = 0;                                     // executed by one thread
  double scattered = 0;  // of these, accesses whose lanes do not stand side by side
  double barriers = 0;   // of the group; of the warp where there is only one
  double mma = 0;        // products of tensor cores that one warp issues
};
Estimate estimate(const Kernel&, const std::vector<int32_t>& scalars);

// ---- the interpreter: runs every schedule on the CPU, one group at a time, and finds races.
struct Memory {          // one entry a global buffer of the kernel, in order
  void* data = nullptr;  // elements of the buffer's type
  int64_t elements = 0;
};
struct InterpretOptions {
  uint64_t order_seed = 0;  // 0: threads in order; else the order in which threads run between barriers
  bool find_races = true;
};
// Threads of a group run one after another from barrier to barrier. Throws InternalError that names the instruction for
// an index outside its buffer, a shared element read before it was written, a barrier that not all threads of its scope
// reach, and (find_races) two threads touching one element without a barrier between, one of them writing. f32
// arithmetic is IEEE single; fma rounds once; max, min as in opcodes.inc: bitwise what LLVM and CUDA code do, with
// denormal results and operands flushed to zero as there.
void interpret(const Kernel&, int32_t first_group, int32_t last_group, const std::vector<Memory>&,
               const std::vector<int32_t>& scalars, const InterpretOptions& = {});

}  // namespace shoal::kernel
