// Pieces of C++ expression text with their precedence: what the CUDA emitter composes, with no more parentheses than
// needed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shoal::emit {

// C++'s levels, tightest first. Operands of shifts and bit operations are parenthesised beyond what the grammar asks
// for.
enum class Precedence : uint8_t { primary, unary, product, sum, shift, relation, equality, bits, conditional };

struct Expression {
  std::string text;
  Precedence precedence = Precedence::primary;
  bool is_unsigned = false;  // an i32 value whose C++ type here is `unsigned`
  bool is_literal = false;   // a literal of any type
  int32_t literal = 0;       // the value of an i32 literal
  std::vector<int64_t>
      reads;  // mutable state it reads (see CudaEmitter): it must be evaluated before that state changes
  bool reads_memory = false;  // global or shared memory: never below a ?:, which would make the load conditional
  // May be written anywhere and twice at no cost: a literal or an immutable name.
  bool atomic() const { return is_literal || (precedence == Precedence::primary && reads.empty()); }
};

Expression name(std::string text);
Expression float_literal(float);
Expression int_literal(int32_t);
Expression long_literal(int64_t);

// The same value with C++ type int, or unsigned.
Expression as_signed(const Expression&);
Expression as_unsigned(const Expression&);

// Text of `e` as an operand that must bind at least as tightly as `level`.
std::string operand(const Expression& e, Precedence level);

// `a OP b`, left-associative at `level`; `call(a, b...)`; `(type)a`. Reads are merged from the operands.
Expression binary(const Expression& a, const char* op, const Expression& b, Precedence level);
Expression call(const char* function, const std::vector<Expression>& arguments);
Expression prefix(const std::string& op, const Expression& a);
Expression conditional(const Expression& predicate, const Expression& yes, const Expression& no);

void merge_reads(Expression& into, const Expression& from);

}  // namespace shoal::emit
