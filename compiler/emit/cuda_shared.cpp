// One macro for each kind of access.
//
// NVRTC spends a sixth of its time on vectors that are read and written through pointers into shared memory: where they
// point, what may have changed between two of them, how they split into numbers. Of an asm statement it knows none of
// this, and ptxas, which sees the same PTX as before, schedules and pairs the accesses as freely as ever.
//
// The order that the kernel needs is kept by what an asm statement promises: `volatile` ones are neither removed nor
// moved across one another, and one that clobbers "memory" is not moved across __syncthreads() and __syncwarp(), nor
// across accesses in C++, such as those of the caller of a device function, to whom the shared memory belongs.
//
// They are macros: to inline thousands of functions takes longer than to compile what is in them.
#include "compiler/emit/cuda_shared.h"

#include <fmt/format.h>

#include <set>
#include <tuple>

#include "compiler/emit/cuda_names.h"
#include "compiler/support/error.h"

namespace shoal::emit {
namespace {

using kernel::Instruction;
using kernel::Op;
using kernel::Type;

struct PtxType {
  const char* name;
  char constraint;
};
PtxType ptx_type(Type type) {
  check(type == Type::f32 || type == Type::i32, "an array of {} in shared memory", c_type(type));
  return type == Type::f32 ? PtxType{"f32", 'f'} : PtxType{"b32", 'r'};
}

std::string definition(Op op, Type type, int width) {
  const PtxType ptx = ptx_type(type);
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
  const std::string vector = width > 1 ? fmt::format(".v{}", width) : "";
  if (width > 1) registers = "{" + registers + "}";
  const std::string function = shared_function(op, type, width);
  if (load)
    return fmt::format(
        "#define {}({}, address, offset) \\\n  {} {}; \\\n  asm volatile(\"ld.shared{}.{} {}, [%{} + %{}];\" : {} : "
        "\"r\"(address), \"n\"(offset) : \"memory\")\n",
        function, names, c_type(type), names, vector, ptx.name, registers, width, width + 1, operands);
  return fmt::format(
      "#define {}(address, offset, {}) \\\n  asm volatile(\"st.shared{}.{} [%0 + %1], {};\" : : \"r\"(address), "
      "\"n\"(offset), {} : \"memory\")\n",
      function, names, vector, ptx.name, registers, operands);
}

}  // namespace

std::string shared_function(Op op, Type type, int width) {
  return (op == Op::load ? "shoal_load_" : "shoal_store_") + c_vector(type, width);
}

std::vector<SharedFunction> shared_functions(const kernel::Kernel& kernel) {
  std::set<std::tuple<Op, Type, int>> kinds;
  for (const Instruction& in : kernel.code)
    if (in.buffer >= 0 && in.width > 0 && kernel.buffers[in.buffer].space == kernel::Space::shared)
      kinds.insert({in.op, kernel.buffers[in.buffer].type, in.width});
  std::vector<SharedFunction> functions;
  for (const auto& [op, type, width] : kinds)
    functions.push_back({shared_function(op, type, width), definition(op, type, width)});
  return functions;
}

}  // namespace shoal::emit
