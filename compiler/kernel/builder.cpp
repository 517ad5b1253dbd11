// The builder: appends checked instructions and keeps track of which constants are visible.
#include <algorithm>
#include <bit>
#include <tuple>

#include "compiler/kernel/legality.h"
#include "compiler/kernel/simplify.h"
#include "compiler/support/error.h"

namespace shoal::kernel {

namespace {

// Zeros differ by their sign and NaNs by their payload, so floats are ordered by bits.
auto leaf_key(const Instruction& leaf) {
  return std::tuple(leaf.op, leaf.type, leaf.imm, std::bit_cast<uint32_t>(leaf.fimm));
}

bool is_integer_constant(const Kernel& kernel, int32_t value) {
  return value >= 0 && kernel.code[value].op == Op::constant && kernel.code[value].type != Type::f32;
}

// Moves the constant part of an index to the immediate, where both targets have it for nothing.
void split_index(const Kernel& kernel, int32_t& part, int64_t& imm) {
  if (part < 0) return;
  if (is_integer_constant(kernel, part)) {
    imm += kernel.code[part].imm;
    part = -1;
  } else if (kernel.code[part].op == Op::add && is_integer_constant(kernel, kernel.code[part].args[1])) {
    imm += kernel.code[kernel.code[part].args[1]].imm;
    part = kernel.code[part].args[0];
  }
}

}  // namespace

int32_t Builder::append(Instruction instruction) {
  kernel_.code.push_back(instruction);
  return static_cast<int32_t>(kernel_.code.size()) - 1;
}

int32_t Builder::append_leaf(Instruction leaf) {
  const auto key = leaf_key(leaf);
  const auto before = [&](int32_t value, const auto& k) { return leaf_key(kernel_.code[value]) < k; };
  for (auto bracket = brackets_.rbegin(); bracket != brackets_.rend(); ++bracket) {
    const auto found = std::lower_bound(bracket->leaves.begin(), bracket->leaves.end(), key, before);
    if (found != bracket->leaves.end() && leaf_key(kernel_.code[*found]) == key) return *found;
  }
  const int32_t value = append(leaf);
  auto& leaves = brackets_.back().leaves;
  leaves.insert(std::lower_bound(leaves.begin(), leaves.end(), key, before), value);
  return value;
}

void Builder::check_value(int32_t value, const char* use) const {
  check(value >= 0 && value < static_cast<int32_t>(kernel_.code.size()), "{} of value {}, which does not exist", use,
        value);
  // The message is costly, and this runs for every operand.
  if (kernel_.code[value].type == Type::none) {
    check(false, "{} of '{}', which has no value", use, describe(kernel_, value));
  }
}

int32_t Builder::constant(float value) { return append_leaf({.op = Op::constant, .type = Type::f32, .fimm = value}); }

int32_t Builder::constant_i32(int64_t value) {
  check(value >= INT32_MIN && value <= int64_t{UINT32_MAX}, "constant {} does not fit in 32 bits", value);
  return append_leaf({.op = Op::constant, .type = Type::i32, .imm = static_cast<int32_t>(value)});
}

int32_t Builder::constant_i64(int64_t value) {
  return append_leaf({.op = Op::constant, .type = Type::i64, .imm = value});
}

int32_t Builder::constant_pred(bool value) {
  return append_leaf({.op = Op::constant, .type = Type::pred, .imm = value});
}

int32_t Builder::leaf(Op op) {
  check(op == Op::group || op == Op::warp || op == Op::lane, "leaf of opcode {}", op_name(op));
  return append_leaf({.op = op, .type = Type::i32});
}

int32_t Builder::scalar(int32_t index) {
  check(index >= 0 && index < static_cast<int32_t>(kernel_.scalars.size()), "scalar {} of a kernel that has {}", index,
        kernel_.scalars.size());
  return append_leaf({.op = Op::scalar, .type = Type::i32, .imm = index});
}

int32_t Builder::emit(Op op, int32_t a, int32_t b, int32_t c) {
  const std::array<int32_t, 3> args{a, b, c};
  std::array<Type, 3> types{};
  for (int i = 0; i < 3; ++i) {
    if (i < op_operands(op)) check_value(args[i], "operand");
    check(i < op_operands(op) || args[i] < 0, "{} takes {} operands", op_name(op), op_operands(op));
    if (args[i] >= 0) {
      if (kernel_.code[args[i]].op == Op::var) {
        check(false, "{} of '{}' without a get", op_name(op), describe(kernel_, args[i]));
      }
      types[i] = kernel_.code[args[i]].type;
    }
  }
  const Type type = result_type(op, types);
  check(type != Type::none, "no {} of ({}, {}, {})", op_name(op), type_name(types[0]), type_name(types[1]),
        type_name(types[2]));
  if (const int32_t simpler = simplify(*this, op, args); simpler >= 0) return simpler;
  return append({.op = op, .type = type, .args = args});
}

int32_t Builder::var(int32_t initial) {
  check_value(initial, "var");
  return append({.op = Op::var, .type = type(initial), .args = {initial, -1, -1}});
}

int32_t Builder::get(int32_t variable) {
  check_value(variable, "get");
  if (kernel_.code[variable].op != Op::var) check(false, "get of '{}', which is no var", describe(kernel_, variable));
  return append({.op = Op::get, .type = type(variable), .args = {variable, -1, -1}});
}

void Builder::set(int32_t variable, int32_t value) {
  check_value(variable, "set");
  check_value(value, "set");
  if (kernel_.code[variable].op != Op::var) check(false, "set of '{}', which is no var", describe(kernel_, variable));
  check(type(variable) == type(value), "set of a {} to a {}", type_name(type(variable)), type_name(type(value)));
  append({.op = Op::set, .args = {variable, value, -1}});
}

void Builder::open(Instruction opener) {
  append(opener);
  brackets_.push_back({.opener = opener.op, .leaves = {}});
}

int32_t Builder::loop(int32_t count, int64_t step) {
  check_value(count, "loop");
  check(type(count) == Type::i32 && step > 0, "loop to a {} by {}", type_name(type(count)), step);
  open({.op = Op::loop, .type = Type::i32, .args = {count, -1, -1}, .imm = step});
  return static_cast<int32_t>(kernel_.code.size()) - 1;
}

void Builder::when(int32_t predicate) {
  check_value(predicate, "when");
  check(type(predicate) == Type::pred, "when of a {}", type_name(type(predicate)));
  open({.op = Op::when, .args = {predicate, -1, -1}});
}

void Builder::repeat() { open({.op = Op::repeat}); }

void Builder::again(int32_t predicate) {
  check_value(predicate, "again");
  check(type(predicate) == Type::pred, "again of a {}", type_name(type(predicate)));
  check(brackets_.back().opener == Op::repeat, "again outside a repeat");
  append({.op = Op::again, .args = {predicate, -1, -1}});
  brackets_.pop_back();
}

void Builder::end() {
  const Op opener = brackets_.back().opener;
  check(opener == Op::loop || opener == Op::when, "end outside a loop or when");
  append({.op = Op::end});
  brackets_.pop_back();
}

int32_t Builder::load(int32_t buffer, int32_t base, int32_t index, int64_t imm, int width) {
  check(buffer >= 0 && buffer < static_cast<int32_t>(kernel_.buffers.size()), "load of buffer {}", buffer);
  check(base < 0 || type(base) == Type::i64, "load with a base that is no i64");
  check(index < 0 || type(index) == Type::i32, "load with an index that is no i32");
  check(width == 1 || width == 2 || width == 4, "load of width {}", width);
  split_index(kernel_, base, imm);
  split_index(kernel_, index, imm);
  const Type loaded = loaded_type(kernel_.buffers[buffer].type);
  Instruction first{.op = Op::load, .type = loaded, .args = {base, index, -1}, .imm = imm, .buffer = buffer};
  first.width = static_cast<uint8_t>(width);
  const int32_t value = append(first);
  for (int i = 1; i < width; ++i) {
    Instruction next = first;
    next.width = 0;
    next.imm += i;
    append(next);
  }
  return value;
}

void Builder::store(int32_t buffer, int32_t base, int32_t index, int64_t imm, int32_t value, int width) {
  check(buffer >= 0 && buffer < static_cast<int32_t>(kernel_.buffers.size()), "store to buffer {}", buffer);
  check(base < 0 || type(base) == Type::i64, "store with a base that is no i64");
  check(index < 0 || type(index) == Type::i32, "store with an index that is no i32");
  check(width == 0 || width == 1 || width == 2 || width == 4, "store of width {}", width);
  check_value(value, "store");
  check(type(value) == kernel_.buffers[buffer].type, "store of a {} to '{}'", type_name(type(value)),
        kernel_.buffers[buffer].name);
  split_index(kernel_, base, imm);
  split_index(kernel_, index, imm);
  Instruction store{.op = Op::store, .args = {base, index, value}, .imm = imm, .buffer = buffer};
  store.width = static_cast<uint8_t>(width);
  append(store);
  kernel_.buffers[buffer].written = true;
}

int32_t Builder::lanes_xor(int32_t value, int64_t mask) {
  check_value(value, "lanes_xor");
  check(mask > 0 && (mask & (mask - 1)) == 0 && mask < kernel_.lanes, "lanes_xor with mask {} of {} lanes", mask,
        kernel_.lanes);
  return append({.op = Op::lanes_xor, .type = type(value), .args = {value, -1, -1}, .imm = mask});
}

std::array<int32_t, 4> Builder::mma(const std::array<int32_t, 4>& a, const std::array<int32_t, 2>& b,
                                    const std::array<int32_t, 4>& c) {
  std::array<int32_t, 4> d{};
  for (int part = 0; part < 4; ++part) {
    for (int32_t value : {a[part], b[part % 2], c[part]}) check_value(value, "mma");
    check(type(a[part]) == type(a[0]) && type(b[part % 2]) == type(a[0]) && type(c[part]) == Type::f32,
          "mma of ({}, {}, {})", type_name(type(a[part])), type_name(type(b[part % 2])), type_name(type(c[part])));
    d[part] =
        append({.op = Op::mma, .type = Type::f32, .args = {a[part], part < 2 ? b[part] : -1, c[part]}, .imm = part});
  }
  return d;
}

void Builder::barrier(bool whole_group) { append({.op = Op::barrier, .imm = whole_group ? 1 : 0}); }

}  // namespace shoal::kernel
