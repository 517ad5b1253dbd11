// Reads the text that print() writes; what it means is left to verify().
#include <bit>
#include <charconv>
#include <map>
#include <optional>

#include "compiler/kernel/kernel.h"
#include "compiler/support/error.h"

namespace shoal::kernel {

namespace {

// The words of one line: split at blanks, with brackets and commas standing alone.
class Line {
 public:
  Line(std::string_view text, int number) : text_(text), number_(number) {}

  [[noreturn]] void fail(const std::string& problem) const {
    throw SpecError(fmt::format("kernel:{}", number_), problem);
  }
  std::string_view peek() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\r' || text_[0] == '\t')) text_.remove_prefix(1);
    if (text_.empty()) return {};
    if (is_punctuation(text_[0])) return text_.substr(0, 1);
    size_t length = 0;
    while (length < text_.size() && text_[length] != ' ' && text_[length] != '\r' && !is_punctuation(text_[length])) {
      ++length;
    }
    return text_.substr(0, length);
  }
  std::string_view word() {
    const std::string_view next = peek();
    if (next.empty()) fail("expected more at the end of the line");
    text_.remove_prefix(next.size());
    return next;
  }
  bool accept(std::string_view wanted) {
    if (peek() != wanted) return false;
    word();
    return true;
  }
  void expect(std::string_view wanted) {
    if (!accept(wanted)) fail(fmt::format("expected '{}', got '{}'", wanted, peek()));
  }
  void expect_end() {
    if (!peek().empty()) fail(fmt::format("unexpected '{}'", peek()));
  }
  template <typename T>
  T number(std::string_view text, const char* what, int base = 10) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size())
      fail(fmt::format("expected {}, got '{}'", what, text));
    return value;
  }
  template <typename T = int64_t>
  T integer() {
    return number<T>(word(), "an integer");
  }
  float real() {
    const std::string_view text = word();
    if (text.starts_with("nan:")) return std::bit_cast<float>(number<uint32_t>(text.substr(4), "bits of a NaN", 16));
    float value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
      fail(fmt::format("expected a number, got '{}'", text));
    return value;
  }
  int32_t value() {
    const std::string_view text = word();
    if (text == "_") return -1;
    if (text[0] != '%') fail(fmt::format("expected a value such as %3, got '{}'", text));
    const auto value = number<int32_t>(text.substr(1), "a value number");
    if (value < 0) fail(fmt::format("expected a value such as %3, got '{}'", text));
    return value;
  }

 private:
  static bool is_punctuation(char c) { return c == '[' || c == ']' || c == ','; }
  std::string_view text_;
  int number_;
};

std::optional<Op> find_op(std::string_view name) {
  static const std::map<std::string_view, Op> ops{
#define SHOAL_OPCODE(name, operands, kind) {#name, Op::name},
#include "compiler/kernel/opcodes.inc"
#undef SHOAL_OPCODE
  };
  const auto found = ops.find(name);
  return found == ops.end() ? std::nullopt : std::optional(found->second);
}

Type parse_type(Line& line) {
  const std::string_view name = line.word();
  for (const Type type : {Type::none, Type::f32, Type::i32, Type::i64, Type::pred, Type::f16, Type::bf16}) {
    if (name == type_name(type)) return type;
  }
  line.fail(fmt::format("expected a type, got '{}'", name));
}

Buffer parse_buffer(Line& line) {
  Buffer buffer{.name = std::string(line.word())};
  const std::string_view space = line.word();
  bool found = false;
  for (const Space candidate : {Space::global, Space::shared, Space::local}) {
    if (space == space_name(candidate)) {
      buffer.space = candidate;
      found = true;
    }
  }
  if (!found) line.fail(fmt::format("expected global, shared or local, got '{}'", space));
  buffer.type = parse_type(line);
  line.expect("size");
  buffer.size = line.integer();
  line.expect("offset");
  buffer.offset = line.integer();
  buffer.written = line.accept("written");
  return buffer;
}

class Parser {
 public:
  Kernel parse(std::string_view text) {
    for (int number = 1; !text.empty(); ++number) {
      const size_t end = std::min(text.find('\n'), text.size());
      parse_line(text.substr(0, end), number);
      text.remove_prefix(std::min(end + 1, text.size()));
      last_line_ = number;
    }
    if (stage_ != Stage::code) throw SpecError(fmt::format("kernel:{}", last_line_ + 1), "expected 'code'");
    return std::move(kernel_);
  }

 private:
  enum class Stage : uint8_t { header, declarations, code };

  void parse_line(std::string_view text, int number) {
    Line line(text, number);
    if (stage_ == Stage::header && text.starts_with("#")) {
      if (has_header_) kernel_.header += '\n';
      has_header_ = true;
      kernel_.header += text.substr(text.starts_with("# ") ? 2 : 1);
      return;
    }
    if (line.peek().empty() || line.peek().starts_with("#")) return;
    if (stage_ == Stage::header) {
      parse_title(line);
    } else if (stage_ == Stage::declarations) {
      parse_declaration(line);
    } else {
      parse_instruction(line);
    }
    line.expect_end();
  }

  void parse_title(Line& line) {
    line.expect("kernel");
    kernel_.name = line.word();
    line.expect("warps");
    kernel_.warps = line.integer<int32_t>();
    line.expect("lanes");
    kernel_.lanes = line.integer<int32_t>();
    line.expect("shared");
    kernel_.shared_elements = line.integer();
    stage_ = Stage::declarations;
  }

  void parse_declaration(Line& line) {
    if (line.accept("buffer")) {
      kernel_.buffers.push_back(parse_buffer(line));
      const auto index = static_cast<int32_t>(kernel_.buffers.size()) - 1;
      if (!buffer_index_.emplace(kernel_.buffers.back().name, index).second) line.fail("a second buffer of this name");
    } else if (line.accept("scalar")) {
      kernel_.scalars.emplace_back(line.word());
    } else if (line.accept("code")) {
      stage_ = Stage::code;
    } else {
      line.fail(fmt::format("expected buffer, scalar or code, got '{}'", line.peek()));
    }
  }

  void parse_place(Line& line, Instruction& i) {
    const std::string name(line.word());
    const auto found = buffer_index_.find(name);
    if (found == buffer_index_.end()) line.fail(fmt::format("no buffer is called '{}'", name));
    i.buffer = found->second;
    line.expect("[");
    i.args[0] = line.value();
    line.expect(",");
    i.args[1] = line.value();
    line.expect(",");
    i.imm = line.integer();
    line.expect("]");
    if (line.peek().starts_with("x")) i.width = line.number<uint8_t>(line.word().substr(1), "a width");
  }

  void parse_operands(Line& line, Instruction& i, bool is_float) {
    switch (op_kind(i.op)) {
      case OpKind::memory:
        parse_place(line, i);
        if (i.op == Op::store) {
          line.expect("=");
          i.args[2] = line.value();
        }
        return;
      case OpKind::sync:
        if (!line.accept("warp")) {
          line.expect("group");
          i.imm = 1;
        }
        return;
      case OpKind::leaf:
        if (i.op == Op::constant && is_float) {
          i.fimm = line.real();
        } else if (i.op == Op::constant || i.op == Op::scalar) {
          i.imm = line.integer();
        }
        return;
      case OpKind::arith:
      case OpKind::variable:
      case OpKind::control:
      case OpKind::lanes:
      case OpKind::tensor: break;
    }
    for (int a = 0; a < op_operands(i.op); ++a) i.args[a] = line.value();
    if (i.op == Op::loop || i.op == Op::lanes_xor || i.op == Op::mma) {
      line.expect(i.op == Op::loop ? "step" : i.op == Op::mma ? "part" : "mask");
      i.imm = line.integer();
    }
  }

  void parse_instruction(Line& line) {
    Instruction i;
    const bool has_value = line.peek().starts_with("%");
    if (has_value) {
      const int32_t value = line.value();
      if (value != static_cast<int32_t>(kernel_.code.size())) {
        line.fail(
            fmt::format("expected %{} (values are numbered by instruction), got %{}", kernel_.code.size(), value));
      }
      line.expect("=");
    }
    const std::string_view name = line.word();
    const std::optional<Op> op = find_op(name);
    if (!op) line.fail(fmt::format("no opcode is called '{}'", name));
    i.op = *op;
    // Only a constant's text depends on its type, which stands at the end of the line.
    Line ahead = line;
    bool is_float = false;
    if (i.op == Op::constant) {
      ahead.word();
      is_float = ahead.accept(":") && ahead.peek() == "f32";
    }
    parse_operands(line, i, is_float);
    if (has_value) {
      line.expect(":");
      i.type = parse_type(line);
    }
    kernel_.code.push_back(i);
  }

  Kernel kernel_;
  std::map<std::string, int32_t> buffer_index_;
  Stage stage_ = Stage::header;
  bool has_header_ = false;
  int last_line_ = 0;
};

}  // namespace

Kernel parse_kernel(std::string_view text) { return Parser().parse(text); }

}  // namespace shoal::kernel
