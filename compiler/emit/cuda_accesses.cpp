// One macro for each kind of access.
//
// NVRTC spends a fifth of its time on vectors that are read and written through pointers: where they point, what may
// have changed between two of them, how they split into numbers. Of an asm statement it knows none of this, and ptxas,
// which sees the same PTX as before, schedules the accesses as freely as ever.
//
// The order that the kernel needs is kept by what an asm statement promises: `volatile` ones are neither removed nor
// moved across one another, and one that clobbers "memory" is not moved across __syncthreads() and __syncwarp(), nor
// across accesses in C++: the narrow ones of global memory, and those of a device function's caller, to whom the shared
// memory belongs.
//
// They are macros: to inline thousands of functions takes longer than to compile what is in them.
#include "compiler/emit/cuda_accesses.h"

#include <fmt/format.h>

#include <map>

#include "compiler/emit/cuda_names.h"
#include "compiler/support/error.h"

namespace shoal::emit {
namespace {

using kernel::Buffer;
using kernel::Instruction;
using kernel::Op;
using kernel::Type;

bool is_shared(const Buffer& buffer) { return buffer.space == kernel::Space::shared; }

struct PtxType {
  const char* name;
  char constraint;
};
PtxType ptx_type(Type type) {
  check(type == Type::f32 || type == Type::i32, "PTX that accesses {}", c_type(type));
  return type == Type::f32 ? PtxType{"f32", 'f'} : PtxType{"b32", 'r'};
}

// Nobody writes to an array that is not `written` while the kernel runs: such loads may go through the texture cache.
std::string state_space(const Buffer& buffer) {
  if (is_shared(buffer)) return "shared";
  return buffer.written ? "global" : "global.nc";
}

std::string definition(Op op, const Buffer& buffer, int width) {
  const PtxType ptx = ptx_type(buffer.type);
  const bool load = op == Op::load;
  const int first = load ? 0 : 2;  // the operand of the first element
  std::string names, operands, registers;
  for (int n = 0; n < width; ++n) {
    const char name = static_cast<char>('a' + n);
    const char* comma = n ? ", " : "";
    names += fmt::format("{}{}", comma, name);
    operands += fmt::format("{}\"{}{}\"({})", comma, load ? "=" : "", ptx.constraint, name);
    registers += fmt::format("{}%{}", comma, first + n);
  }
  if (width > 1) registers = "{" + registers + "}";
  const std::string vector = width > 1 ? fmt::format(".v{}", width) : "";
  const std::string instruction = fmt::format("{}.{}{}.{}", load ? "ld" : "st", state_space(buffer), vector, ptx.name);
  const std::string address = fmt::format(
      "{}, \"n\"(offset)", is_shared(buffer) ? "\"r\"(address)" : "\"l\"(__cvta_generic_to_global(address))");
  const std::string function = access_function(op, buffer, width);
  if (load)
    return fmt::format(
        "#define {}({}, address, offset) \\\n  {} {}; \\\n  asm volatile(\"{} {}, [%{} + %{}];\" : {} : {} : "
        "\"memory\")\n",
        function, names, c_type(buffer.type), names, instruction, registers, width, width + 1, operands, address);
  return fmt::format(
      "#define {}(address, offset, {}) \\\n  asm volatile(\"{} [%0 + %1], {};\" : : {}, {} : \"memory\")\n", function,
      names, instruction, registers, address, operands);
}

}  // namespace

bool is_ptx_access(const Buffer& buffer, int width, bool callable) {
  if (is_shared(buffer)) return true;
  const bool whole = buffer.type == Type::f32 || buffer.type == Type::i32;
  return buffer.space == kernel::Space::global && width > 1 && whole && !callable;
}

std::string access_function(Op op, const Buffer& buffer, int width) {
  const char* space = is_shared(buffer) ? "shared" : buffer.written ? "global" : "unwritten";
  return fmt::format("shoal_{}_{}_{}", op == Op::load ? "load" : "store", space, c_vector(buffer.type, width));
}

std::vector<AccessFunction> access_functions(const kernel::Kernel& kernel, bool callable) {
  std::map<std::string, std::string> definitions;
  for (const Instruction& in : kernel.code) {
    if (in.buffer < 0 || in.width == 0) continue;
    const Buffer& buffer = kernel.buffers[in.buffer];
    if (is_ptx_access(buffer, in.width, callable))
      definitions[access_function(in.op, buffer, in.width)] = definition(in.op, buffer, in.width);
  }
  std::vector<AccessFunction> functions;
  for (const auto& [name, text] : definitions) functions.push_back({name, text});
  return functions;
}

}  // namespace shoal::emit
