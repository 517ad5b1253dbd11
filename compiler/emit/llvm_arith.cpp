// Leaves, arithmetic and lane exchange of the LLVM emitter: one LLVM instruction an opcode wherever LLVM has it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "compiler/emit/llvm_emitter.h"
#include "compiler/support/error.h"

namespace shoal::emit::ir {

using kernel::Instruction;
using kernel::Op;
using kernel::Type;

void Emitter::leaf(int32_t i) {
  Forms& forms = values_[i];
  const Instruction& leaf = in(i);
  if (leaf.op == Op::scalar) {
    forms.scalar = "%s_" + kernel_.scalars[leaf.imm];
  } else if (leaf.op == Op::group) {
    forms.scalar = "%group.n";
    forms.wide = "%group";
  } else if (leaf.op == Op::warp && has_team()) {
    forms.scalar = "%warp";
  } else if (leaf.op == Op::warp || leaf.op == Op::lane) {
    forms.scalar = forms.wide = std::string("0");  // of a lane: the part that is the same in all lanes
    if (leaf.op == Op::lane && !uniform(i)) forms.vector = out_.lanes_literal(Type::i32, 1);
  } else {
    if (leaf.type == Type::f32) forms.scalar = float_literal(leaf.fimm);
    if (leaf.type == Type::pred) forms.scalar = leaf.imm ? "true" : "false";
    if (leaf.type == Type::i32) forms.scalar = forms.wide = fmt::format("{}", int32_t(leaf.imm));
    if (leaf.type == Type::i64) forms.scalar = fmt::format("{}", leaf.imm);
    forms.vector = Writer::splat_literal(leaf.type, forms.scalar);
  }
  finish(i);
}

std::string Emitter::intrinsic(std::string_view name, Type type, bool is_vector, const std::string* operands,
                               int count) {
  const std::string of = is_vector ? out_.vector_type(type) : scalar_type(type);
  const std::string function = fmt::format("@llvm.{}.{}", name, is_vector ? out_.suffix(type) : "f32");
  std::string types, arguments;
  for (int k = 0; k < count; ++k) {
    types += (k ? ", " : "") + of;
    arguments += fmt::format("{}{} {}", k ? ", " : "", of, operands[k]);
  }
  out_.declare(fmt::format("{} {}({})", of, function, types));
  return fmt::format("call {} {}({})", of, function, arguments);
}

// compare(a, b) ? a : b, the shape that becomes one maxps or minps with the operand order of opcodes.inc.
std::string Emitter::choose(std::string_view compare, const std::string& type, const std::string& a,
                            const std::string& b) {
  const std::string wins = out_.temporary(fmt::format("{} {} {}, {}", compare, type, a, b));
  const std::string pred = type[0] == '<' ? out_.vector_type(Type::pred) : "i1";
  return fmt::format("select {0} {1}, {2} {3}, {2} {4}", pred, wins, type, a, b);
}

// Without roundps: through integers, exact below 2^23, above which every float is whole. Keeps the sign of zero.
std::string Emitter::floor_by_conversion(bool is_vector, const std::string& x) {
  auto of = [&](Type type) { return is_vector ? out_.vector_type(type) : scalar_type(type); };
  auto literal = [&](Type type, const std::string& text) {
    return is_vector ? Writer::splat_literal(type, text) : text;
  };
  const std::string f32 = of(Type::f32), i32 = of(Type::i32), pred = of(Type::pred);
  const std::string size = out_.temporary(intrinsic("fabs", Type::f32, is_vector, &x, 1));
  const std::string small =
      out_.temporary(fmt::format("fcmp olt {} {}, {}", f32, size, literal(Type::f32, float_literal(8388608.0f))));
  const std::string whole = out_.temporary(fmt::format("fptosi {} {} to {}", f32, x, i32));
  const std::string cut = out_.temporary(fmt::format("sitofp {} {} to {}", i32, whole, f32));
  const std::string above = out_.temporary(fmt::format("fcmp ogt {} {}, {}", f32, cut, x));
  const std::string one = literal(Type::f32, float_literal(1.0f)), zero = literal(Type::f32, float_literal(0.0f));
  const std::string step = out_.temporary(fmt::format("select {0} {1}, {2} {3}, {2} {4}", pred, above, f32, one, zero));
  const std::string down = out_.temporary(fmt::format("fsub {} {}, {}", f32, cut, step));
  const std::string pair[2] = {down, x};
  const std::string signed_down = out_.temporary(intrinsic("copysign", Type::f32, is_vector, pair, 2));
  return fmt::format("select {0} {1}, {2} {3}, {2} {4}", pred, small, f32, signed_down, x);
}

std::string Emitter::convert_pred(const std::string& pred, Type to, bool is_vector) {
  const std::string from = is_vector ? out_.vector_type(Type::pred) : "i1";
  const std::string type = is_vector ? out_.vector_type(to) : scalar_type(to);
  return fmt::format("{} {} {} to {}", to == Type::f32 ? "uitofp" : "zext", from, pred, type);
}

// The right-hand side that computes instruction i from `operands`, in scalars or vectors; helpers go out before it.
std::string Emitter::operation(int32_t i, Type type, bool is_vector, const std::string* operands) {
  const Instruction& op = in(i);
  const bool is_float = type == Type::f32;
  const std::string of = is_vector ? out_.vector_type(type) : scalar_type(type);
  const std::string result = is_vector ? out_.vector_type(op.type) : scalar_type(op.type);
  const std::string &a = operands[0], &b = operands[1], &c = operands[2];
  auto binary = [&](std::string_view name) { return fmt::format("{} {} {}, {}", name, of, a, b); };
  auto convert = [&](std::string_view name) { return fmt::format("{} {} {} to {}", name, of, a, result); };
  switch (op.op) {
    case Op::add: return binary(is_float ? "fadd" : "add");
    case Op::sub: return binary(is_float ? "fsub" : "sub");
    case Op::mul: return binary(is_float ? "fmul" : "mul");
    case Op::fma: return fuses() ? intrinsic("fma", type, is_vector, operands, 3) : fma_by_doubles(is_vector, operands);
    case Op::div: return binary(is_float ? "fdiv" : "udiv");
    case Op::rem: return binary("urem");
    case Op::max: return choose(is_float ? "fcmp ogt" : "icmp sgt", of, a, b);
    case Op::min: return choose(is_float ? "fcmp olt" : "icmp slt", of, a, b);
    case Op::neg: return fmt::format("fneg {} {}", of, a);
    case Op::abs: return intrinsic("fabs", type, is_vector, operands, 1);
    case Op::floor:
      return rounds_down() ? intrinsic("floor", type, is_vector, operands, 1) : floor_by_conversion(is_vector, a);
    case Op::sqrt: return intrinsic("sqrt", type, is_vector, operands, 1);
    case Op::exp2:
    case Op::rcp: break;  // of GPUs
    case Op::band: return binary("and");
    case Op::bor: return binary("or");
    case Op::bxor: return binary("xor");
    case Op::shl: return binary("shl");
    case Op::shr: return binary("lshr");
    case Op::lt: return binary(is_float ? "fcmp olt" : "icmp slt");
    case Op::le: return binary(is_float ? "fcmp ole" : "icmp sle");
    case Op::eq: return binary(is_float ? "fcmp oeq" : "icmp eq");
    case Op::select: {
      const std::string pred = is_vector && !uniform(op.args[0]) ? out_.vector_type(Type::pred) : "i1";
      return fmt::format("select {0} {1}, {2} {3}, {2} {4}", pred, a, result, b, c);
    }
    case Op::to_f32: return type == Type::pred ? convert_pred(a, Type::f32, is_vector) : convert("sitofp");
    case Op::to_i32: return type == Type::pred ? convert_pred(a, Type::i32, is_vector) : convert("fptosi");
    case Op::to_i64: return convert("sext");
    case Op::bits_f32:
    case Op::bits_i32: return convert("bitcast");
    case Op::tf32:  // operands of tensor cores, which no CPU of the compiler's has
    case Op::bf16_pair:
    case Op::constant:
    case Op::scalar:
    case Op::group:
    case Op::warp:
    case Op::lane:
    case Op::var:
    case Op::get:
    case Op::set:
    case Op::loop:
    case Op::when:
    case Op::repeat:
    case Op::again:
    case Op::end:
    case Op::load:
    case Op::store:
    case Op::lanes_xor:
    case Op::mma:
    case Op::barrier: break;
  }
  throw InternalError(fmt::format("internal error: emit llvm: {} is no arithmetic", kernel::op_name(op.op)));
}

void Emitter::arith(int32_t i) {
  const Instruction& op = in(i);
  const ValueFacts& wanted = facts_.values[i];
  Forms& forms = values_[i];
  const int count = kernel::op_operands(op.op);
  const Type type = in(op.args[0]).type;  // of a select: the pred, and operation() reads the others' from the result
  std::array<std::string, 3> operands;
  if (varying(i)) {
    for (int k = 0; k < count; ++k) {
      const bool chooses = op.op == Op::select && k == 0 && uniform(op.args[0]);
      operands[k] = chooses ? scalar(op.args[k]) : vector(op.args[k]);
    }
    // Lanes that are switched off hold anything; a zero divisor would trap.
    if ((op.op == Op::div || op.op == Op::rem) && type == Type::i32 && !masks_.empty() && varying(op.args[1])) {
      operands[1] =
          out_.temporary(fmt::format("select {0} {1}, {2} {3}, {2} splat (i32 1)", out_.vector_type(Type::pred), mask(),
                                     out_.vector_type(type), operands[1]));
    }
    forms.vector = fmt::format("%v{}", i);
    out_.define(forms.vector, operation(i, type, true, operands.data()));
  } else {
    // What an affine sum leaves of `lane` is 0.
    const auto plus_zero = [&](const std::string& a, const std::string& b) {
      return op.op == Op::add && (op.type == Type::i32 || op.type == Type::i64) && (a == "0" || b == "0");
    };
    if (op.op == Op::to_i64) {
      forms.scalar = wide(op.args[0]);
    } else {
      const bool index = op.type == Type::i32 && is_index_arithmetic(op.op);
      if (index && wanted.wide_use) {
        static constexpr const char* names[] = {"add", "sub", "mul", "shl"};
        const char* name = names[op.op == Op::add ? 0 : op.op == Op::sub ? 1 : op.op == Op::mul ? 2 : 3];
        const std::string a = wide(op.args[0]), b = wide(op.args[1]);
        forms.wide = plus_zero(a, b) ? (a == "0" ? b : a) : fmt::format("%v{}.w", i);
        if (!plus_zero(a, b)) out_.define(forms.wide, fmt::format("{} nsw i64 {}, {}", name, a, b));
      }
      if (!index || wanted.narrow_use || wanted.vector_use || !wanted.wide_use) {
        for (int k = 0; k < count; ++k) operands[k] = scalar(op.args[k]);
        const bool same = plus_zero(operands[0], operands[1]);
        forms.scalar = same ? (operands[0] == "0" ? operands[1] : operands[0]) : fmt::format("%v{}", i);
        if (!same) out_.define(forms.scalar, operation(i, type, false, operands.data()));
      }
    }
  }
  finish(i);
}

void Emitter::lanes_xor(int32_t i) {
  const Instruction& exchange = in(i);
  const int32_t from = exchange.args[0];
  if (uniform(from)) {
    values_[i].scalar = scalar(from);
    if (exchange.type == Type::i32 && facts_.values[i].wide_use) values_[i].wide = wide(from);
    finish(i);
    return;
  }
  std::string order = "<";
  for (int32_t lane = 0; lane < kernel_.lanes; ++lane) {
    order += fmt::format("{}i32 {}", lane ? ", " : "", lane ^ int32_t(exchange.imm));
  }
  order += ">";
  const bool is_pred = exchange.type == Type::pred;
  const std::string type = is_pred ? out_.vector_type(Type::i32) : out_.vector_type(exchange.type);
  std::string value = vector(from);
  if (is_pred) value = out_.temporary(fmt::format("sext {} {} to {}", out_.vector_type(Type::pred), value, type));
  values_[i].vector = fmt::format("%v{}", i);
  const std::string shuffle =
      fmt::format("shufflevector {0} {1}, {0} poison, {2} {3}", type, value, out_.vector_type(Type::i32), order);
  if (is_pred) {
    out_.define(values_[i].vector, fmt::format("icmp ne {} {}, zeroinitializer", type, out_.temporary(shuffle)));
  } else {
    out_.define(values_[i].vector, shuffle);
  }
  finish(i);
}

}  // namespace shoal::emit::ir
