// The legality table of opcodes: which operand types each takes and what it gives. Builder and verify read this one
// table.
#pragma once

#include <array>

#include "compiler/kernel/kernel.h"

namespace shoal::kernel {

// The type that an arith instruction gives for these operand types (Type::none where it has no operand);
// Type::none when the combination is illegal or the opcode is not arith.
Type result_type(Op, const std::array<Type, 3>& operands);

// One instruction as print() writes it, for messages: "%12 = add %3 %4 : i32".
std::string describe(const Kernel&, int32_t index);

// What the evaluation of integer arith instructions is built on; wraps as opcodes.inc says. Divisors must not be zero.
int64_t evaluate_integer(Op, Type operand_type, int64_t a, int64_t b);

}  // namespace shoal::kernel
