// Names, arities and legal operand types of the opcodes.
#include "compiler/kernel/legality.h"
#include "compiler/support/error.h"

namespace shoal::kernel {

std::string_view op_name(Op op) {
  switch (op) {
#define SHOAL_OPCODE(name, operands, kind) \
  case Op::name: return #name;
#include "compiler/kernel/opcodes.inc"
#undef SHOAL_OPCODE
  }
  throw InternalError("internal error: no such opcode");
}

int op_operands(Op op) {
  switch (op) {
#define SHOAL_OPCODE(name, operands, kind) \
  case Op::name: return operands;
#include "compiler/kernel/opcodes.inc"
#undef SHOAL_OPCODE
  }
  throw InternalError("internal error: no such opcode");
}

OpKind op_kind(Op op) {
  switch (op) {
#define SHOAL_OPCODE(name, operands, kind) \
  case Op::name: return OpKind::kind;
#include "compiler/kernel/opcodes.inc"
#undef SHOAL_OPCODE
  }
  throw InternalError("internal error: no such opcode");
}

std::string_view type_name(Type type) {
  switch (type) {
    case Type::none: return "none";
    case Type::f32: return "f32";
    case Type::i32: return "i32";
    case Type::i64: return "i64";
    case Type::pred: return "pred";
    case Type::f16: return "f16";
    case Type::bf16: return "bf16";
  }
  throw InternalError("internal error: no such type");
}

Type loaded_type(Type element) { return element == Type::f16 || element == Type::bf16 ? Type::f32 : element; }

int64_t element_bytes(Type type) { return type == loaded_type(type) ? 4 : 2; }

std::string_view space_name(Space space) {
  switch (space) {
    case Space::global: return "global";
    case Space::shared: return "shared";
    case Space::local: return "local";
  }
  throw InternalError("internal error: no such space");
}

Type result_type(Op op, const std::array<Type, 3>& operands) {
  const auto [a, b, c] = operands;
  const bool f32 = a == Type::f32, i32 = a == Type::i32, i64 = a == Type::i64, pred = a == Type::pred;
  const bool unary = b == Type::none && c == Type::none, binary = b == a && c == Type::none;
  const auto gives = [](bool legal, Type type) { return legal ? type : Type::none; };
  switch (op) {
    case Op::add:
    case Op::sub:
    case Op::mul: return gives(binary && (f32 || i32 || i64), a);
    case Op::fma: return gives(f32 && b == a && c == a, a);
    case Op::div:
    case Op::max:
    case Op::min: return gives(binary && (f32 || i32), a);
    case Op::rem:
    case Op::shl:
    case Op::shr: return gives(binary && i32, a);
    case Op::neg:
    case Op::abs:
    case Op::floor:
    case Op::sqrt:
    case Op::exp2:
    case Op::rcp: return gives(unary && f32, a);
    case Op::band:
    case Op::bor:
    case Op::bxor: return gives(binary && (i32 || pred), a);
    case Op::lt:
    case Op::le:
    case Op::eq: return gives(binary && (f32 || i32 || i64), Type::pred);
    case Op::select: return gives(pred && b == c, b);
    case Op::to_f32: return gives(unary && (i32 || pred), Type::f32);
    case Op::to_i32: return gives(unary && (f32 || pred), Type::i32);
    case Op::to_i64: return gives(unary && i32, Type::i64);
    case Op::bits_f32: return gives(unary && i32, Type::f32);
    case Op::bits_i32: return gives(unary && f32, Type::i32);
    case Op::tf32: return gives(unary && f32, a);
    case Op::bf16_pair: return gives(binary && f32, Type::i32);
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
    case Op::barrier: return Type::none;
  }
  throw InternalError("internal error: no such opcode");
}

}  // namespace shoal::kernel
