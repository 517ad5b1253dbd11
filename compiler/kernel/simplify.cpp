// Folds integer arithmetic on constants, and chains of it, so that index computations cost only what varies.
#include "compiler/kernel/simplify.h"

#include <bit>

#include "compiler/kernel/legality.h"
#include "compiler/kernel/tensor.h"
#include "compiler/support/error.h"

namespace shoal::kernel {

int64_t evaluate_integer(Op op, Type type, int64_t a, int64_t b) {
  const bool narrow = type == Type::i32;
  const auto wrap = [&](uint64_t value) {
    return narrow ? int64_t{static_cast<int32_t>(static_cast<uint32_t>(value))} : static_cast<int64_t>(value);
  };
  const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  const auto na = static_cast<uint32_t>(a), nb = static_cast<uint32_t>(b);
  switch (op) {
    case Op::add: return wrap(ua + ub);
    case Op::sub: return wrap(ua - ub);
    case Op::mul: return wrap(ua * ub);
    case Op::div: return wrap(na / nb);
    case Op::rem: return wrap(na % nb);
    case Op::max: return a > b ? a : b;
    case Op::min: return a < b ? a : b;
    case Op::band: return a & b;
    case Op::bor: return a | b;
    case Op::bxor: return a ^ b;
    case Op::shl: return wrap(na << (nb & 31));
    case Op::shr: return wrap(na >> (nb & 31));
    case Op::lt: return a < b;
    case Op::le: return a <= b;
    case Op::eq: return a == b;
    case Op::constant:
    case Op::scalar:
    case Op::group:
    case Op::warp:
    case Op::lane:
    case Op::fma:
    case Op::neg:
    case Op::abs:
    case Op::floor:
    case Op::sqrt:
    case Op::exp2:
    case Op::rcp:
    case Op::select:
    case Op::to_f32:
    case Op::to_i32:
    case Op::to_i64:
    case Op::bits_f32:
    case Op::bits_i32:
    case Op::tf32:
    case Op::bf16_pair:
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
  throw InternalError(fmt::format("internal error: integer evaluation of opcode {}", op_name(op)));
}

namespace {

bool is_constant(const Kernel& kernel, int32_t value) { return kernel.code[value].op == Op::constant; }

int32_t integer_constant(Builder& b, Type type, int64_t value) {
  if (type == Type::pred) return b.constant_pred(value != 0);
  return type == Type::i32 ? b.constant_i32(value) : b.constant_i64(value);
}

// x op constant, for the operations that have a neutral or absorbing constant, or a chain to shorten.
int32_t with_constant(Builder& b, Op op, int32_t x, int32_t constant) {
  const Kernel& kernel = b.kernel();
  const Type type = b.type(x);
  const int64_t c = kernel.code[constant].imm;
  const Instruction inner = kernel.code[x];
  const bool chain = inner.op == op && is_constant(kernel, inner.args[1]);
  const int64_t inner_constant = chain ? kernel.code[inner.args[1]].imm : 0;
  const auto power = static_cast<uint32_t>(c);
  const auto shortened = [&](int64_t combined) {
    return b.emit(op, inner.args[0], integer_constant(b, type, combined));
  };
  const bool all_ones = type == Type::pred ? c == 1 : c == -1;
  if (op == Op::add) {
    if (c == 0) return x;
    if (chain) return shortened(evaluate_integer(Op::add, type, inner_constant, c));
  } else if (op == Op::sub) {
    return b.emit(Op::add, x, integer_constant(b, type, evaluate_integer(Op::sub, type, 0, c)));
  } else if (op == Op::mul) {
    if (c == 0) return constant;
    if (c == 1) return x;
    if (chain) return shortened(evaluate_integer(Op::mul, type, inner_constant, c));
  } else if (op == Op::div && std::has_single_bit(power)) {
    return b.emit(Op::shr, x, b.constant_i32(std::countr_zero(power)));
  } else if (op == Op::rem && std::has_single_bit(power)) {
    return b.emit(Op::band, x, b.constant_i32(int64_t{power} - 1));
  } else if (op == Op::shl || op == Op::shr) {
    if (c == 0) return x;
  } else if (op == Op::band) {
    if (c == 0) return constant;
    if (all_ones) return x;
  } else if (op == Op::bor) {
    if (c == 0) return x;
    if (all_ones) return constant;
  } else if (op == Op::bxor) {
    if (c == 0) return x;
  }
  return -1;
}

bool commutes(Op op) {
  return op == Op::add || op == Op::mul || op == Op::max || op == Op::min || op == Op::band || op == Op::bor ||
         op == Op::bxor || op == Op::eq;
}

// Conversions of constants, and selects that are decided.
int32_t simplify_other(Builder& b, Op op, const std::array<int32_t, 3>& args) {
  const Kernel& kernel = b.kernel();
  const Instruction first = kernel.code[args[0]];
  if (op == Op::select && args[1] == args[2]) return args[1];
  if (first.op != Op::constant) return -1;
  if (op == Op::select) return first.imm != 0 ? args[1] : args[2];
  if (op == Op::to_f32) return b.constant(static_cast<float>(first.imm));
  if (op == Op::to_i32 && first.type == Type::pred) return b.constant_i32(first.imm);
  if (op == Op::to_i64) return b.constant_i64(first.imm);
  if (op == Op::bits_f32) return b.constant(std::bit_cast<float>(static_cast<int32_t>(first.imm)));
  if (op == Op::tf32) return b.constant(round_tf32(first.fimm));
  if (op == Op::bits_i32) return b.constant_i32(std::bit_cast<int32_t>(first.fimm));
  return -1;
}

}  // namespace

int32_t simplify(Builder& b, Op op, const std::array<int32_t, 3>& args) {
  const Kernel& kernel = b.kernel();
  const Type type = b.type(args[0]);
  if (op_operands(op) != 2) return simplify_other(b, op, args);
  if (type == Type::f32) return -1;
  const bool left = is_constant(kernel, args[0]), right = is_constant(kernel, args[1]);
  const int64_t rhs = right ? kernel.code[args[1]].imm : 0;
  // A zero divisor and an oversized shift stay in the code, where running them is reported.
  if (right && (op == Op::div || op == Op::rem) && rhs == 0) return -1;
  if (right && (op == Op::shl || op == Op::shr) && (rhs < 0 || rhs > 31)) return -1;
  if (left && right) {
    const bool compares = op == Op::lt || op == Op::le || op == Op::eq;
    return integer_constant(b, compares ? Type::pred : type, evaluate_integer(op, type, kernel.code[args[0]].imm, rhs));
  }
  if (right) return with_constant(b, op, args[0], args[1]);
  // The constant goes to the right, where chains look for it; the swapped form may simplify again.
  if (left && commutes(op)) return b.emit(op, args[1], args[0]);
  return -1;
}

}  // namespace shoal::kernel
