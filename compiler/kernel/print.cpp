// Prints a kernel, one instruction a line; parse.cpp reads it back.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>

#include "compiler/kernel/brackets.h"
#include "compiler/kernel/legality.h"

namespace shoal::kernel {

namespace {

constexpr int max_indents = 40;  // the text of a deeply nested kernel stays linear in its instructions

std::string value_text(int32_t value) { return value < 0 ? "_" : fmt::format("%{}", value); }

// Shortest text that reads back as the same float; of NaNs there are 2^24, so those show their bits.
std::string float_text(const Instruction& i) {
  if (std::isnan(i.fimm)) return fmt::format("nan:{:08x}", std::bit_cast<uint32_t>(i.fimm));
  return fmt::format("{}", i.fimm);
}

std::string place_text(const Kernel& kernel, const Instruction& i) {
  const bool known = i.buffer >= 0 && i.buffer < static_cast<int32_t>(kernel.buffers.size());
  return fmt::format("{}[{}, {}, {}]{}", known ? kernel.buffers[i.buffer].name : fmt::format("?{}", i.buffer),
                     value_text(i.args[0]), value_text(i.args[1]), i.imm,
                     i.width == 1 ? "" : fmt::format(" x{}", i.width));
}

std::string operands_text(const Kernel& kernel, const Instruction& i) {
  switch (i.op) {
    case Op::constant: return fmt::format(" {}", i.type == Type::f32 ? float_text(i) : std::to_string(i.imm));
    case Op::scalar: return fmt::format(" {}", i.imm);
    case Op::loop: return fmt::format(" {} step {}", value_text(i.args[0]), i.imm);
    case Op::load: return fmt::format(" {}", place_text(kernel, i));
    case Op::store: return fmt::format(" {} = {}", place_text(kernel, i), value_text(i.args[2]));
    case Op::lanes_xor: return fmt::format(" {} mask {}", value_text(i.args[0]), i.imm);
    case Op::mma:
      return fmt::format(" {} {} {} part {}", value_text(i.args[0]), value_text(i.args[1]), value_text(i.args[2]),
                         i.imm);
    case Op::barrier: return i.imm == 0 ? " warp" : " group";
    case Op::group:
    case Op::warp:
    case Op::lane:
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::fma:
    case Op::div:
    case Op::rem:
    case Op::max:
    case Op::min:
    case Op::neg:
    case Op::abs:
    case Op::floor:
    case Op::sqrt:
    case Op::exp2:
    case Op::rcp:
    case Op::band:
    case Op::bor:
    case Op::bxor:
    case Op::shl:
    case Op::shr:
    case Op::lt:
    case Op::le:
    case Op::eq:
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
    case Op::when:
    case Op::repeat:
    case Op::again:
    case Op::end: break;
  }
  std::string text;
  for (int a = 0; a < op_operands(i.op); ++a) text += fmt::format(" {}", value_text(i.args[a]));
  return text;
}

void print_header(std::string& out, const std::string& header) {
  if (header.empty()) return;
  for (size_t begin = 0; begin <= header.size();) {
    const size_t end = std::min(header.find('\n', begin), header.size());
    out += fmt::format("# {}\n", std::string_view(header).substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace

std::string describe(const Kernel& kernel, int32_t index) {
  const Instruction& i = kernel.code[index];
  std::string text;
  if (i.type != Type::none) text += fmt::format("%{} = ", index);
  text += fmt::format("{}{}", op_name(i.op), operands_text(kernel, i));
  if (i.type != Type::none) text += fmt::format(" : {}", type_name(i.type));
  return text;
}

std::string print(const Kernel& kernel) {
  std::string out;
  print_header(out, kernel.header);
  fmt::format_to(std::back_inserter(out), "kernel {} warps {} lanes {} shared {}\n", kernel.name, kernel.warps,
                 kernel.lanes, kernel.shared_elements);
  for (const Buffer& b : kernel.buffers) {
    fmt::format_to(std::back_inserter(out), "buffer {} {} {} size {} offset {}{}\n", b.name, space_name(b.space),
                   type_name(b.type), b.size, b.offset, b.written ? " written" : "");
  }
  for (const std::string& scalar : kernel.scalars) out += fmt::format("scalar {}\n", scalar);
  out += "code\n";
  int depth = 1;
  for (size_t index = 0; index < kernel.code.size(); ++index) {
    const Op op = kernel.code[index].op;
    if (op == Op::end || op == Op::again) depth = std::max(depth - 1, 1);
    out.append(static_cast<size_t>(std::min(depth, max_indents)) * 2, ' ');
    out += describe(kernel, static_cast<int32_t>(index));
    out += '\n';
    if (opens_bracket(op)) ++depth;
  }
  return out;
}

}  // namespace shoal::kernel
