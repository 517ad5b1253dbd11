// Composition of C++ expression text.
#include "compiler/emit/cuda_expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

namespace shoal::emit {

Expression name(std::string text) {
  Expression e;
  e.text = std::move(text);
  return e;
}

Expression float_literal(float value) {
  Expression e;
  e.is_literal = true;
  if (!std::isfinite(value)) {
    e.text = fmt::format("__int_as_float(0x{:08x})", std::bit_cast<uint32_t>(value));
    return e;
  }
  std::string text = fmt::format("{}", value);
  // A compiler may parse the decimal as a double and round again; where the two roundings disagree, say it in
  // hexadecimal.
  if (static_cast<float>(std::strtod(text.c_str(), nullptr)) != value || std::strtof(text.c_str(), nullptr) != value)
    text = fmt::format("{:a}", value);
  if (text.find_first_of(".ep") == std::string::npos) text += ".0";
  e.text = text + "f";
  if (std::signbit(value)) e.precedence = Precedence::unary;
  return e;
}

Expression int_literal(int32_t value) {
  Expression e;
  e.is_literal = true;
  e.literal = value;
  if (value == std::numeric_limits<int32_t>::min()) {
    e.text = "(-2147483647 - 1)";
    return e;
  }
  e.text = fmt::format("{}", value);
  if (value < 0) e.precedence = Precedence::unary;
  return e;
}

Expression long_literal(int64_t value) {
  Expression e;
  e.is_literal = true;
  if (value == std::numeric_limits<int64_t>::min()) {
    e.text = "(-9223372036854775807LL - 1)";
    return e;
  }
  e.text = fmt::format("{}LL", value);
  if (value < 0) e.precedence = Precedence::unary;
  return e;
}

Expression as_signed(const Expression& e) { return e.is_unsigned ? prefix("(int)", e) : e; }

Expression as_unsigned(const Expression& e) {
  if (e.is_unsigned) return e;
  if (!e.is_literal) {
    Expression cast = prefix("(unsigned)", e);
    cast.is_unsigned = true;
    return cast;
  }
  Expression literal;
  const auto bits = static_cast<uint32_t>(e.literal);
  literal.text = bits < 0x10000 ? fmt::format("{}u", bits) : fmt::format("0x{:08x}u", bits);
  literal.is_unsigned = true;
  return literal;
}

std::string operand(const Expression& e, Precedence level) {
  return e.precedence <= level ? e.text : "(" + e.text + ")";
}

void merge_reads(Expression& into, const Expression& from) {
  into.reads_memory |= from.reads_memory;
  for (int64_t state : from.reads)
    if (std::find(into.reads.begin(), into.reads.end(), state) == into.reads.end()) into.reads.push_back(state);
}

Expression binary(const Expression& a, const char* op, const Expression& b, Precedence level) {
  // Only sums and products chain to the left without parentheses, where the grouping is what a reader expects.
  const bool chains = level == Precedence::sum || level == Precedence::product;
  const auto tighter = [&](Precedence p) {
    if (p == Precedence::relation || p == Precedence::equality) return Precedence::sum;
    if (p == Precedence::shift || p == Precedence::bits) return Precedence::unary;
    return static_cast<Precedence>(static_cast<uint8_t>(p) - 1);
  };
  Expression e;
  e.text = fmt::format("{} {} {}", operand(a, chains ? level : tighter(level)), op, operand(b, tighter(level)));
  e.precedence = level;
  merge_reads(e, a);
  merge_reads(e, b);
  return e;
}

Expression call(const char* function, const std::vector<Expression>& arguments) {
  Expression e;
  e.text = std::string(function) + "(";
  for (size_t i = 0; i < arguments.size(); i++) {
    e.text += (i ? ", " : "") + arguments[i].text;
    merge_reads(e, arguments[i]);
  }
  e.text += ")";
  e.precedence = Precedence::unary;  // binds like a name, but is worth computing once
  return e;
}

Expression prefix(const std::string& op, const Expression& a) {
  Expression e;
  // `- -x` and `-(-1.0f)` would read as a decrement: an operand that is itself signed is parenthesised.
  const bool twice = op == "-" && a.text.starts_with("-");
  e.text = op + (twice ? "(" + a.text + ")" : operand(a, Precedence::unary));
  e.precedence = Precedence::unary;
  merge_reads(e, a);
  return e;
}

Expression conditional(const Expression& predicate, const Expression& yes, const Expression& no) {
  Expression e;
  e.text = fmt::format("{} ? {} : {}", operand(predicate, Precedence::bits), operand(yes, Precedence::bits),
                       operand(no, Precedence::bits));
  e.precedence = Precedence::conditional;
  merge_reads(e, predicate);
  merge_reads(e, yes);
  merge_reads(e, no);
  return e;
}

}  // namespace shoal::emit
