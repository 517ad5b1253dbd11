// A lexer for shoal's small languages: names, %numbers, numbers, strings, symbols and line ends.
#include "compiler/support/lexer.h"

#include <charconv>

#include "compiler/support/error.h"

namespace shoal {
namespace {

constexpr size_t max_text = 16 << 20;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool in_name(char c) { return starts_name(c) || is_digit(c) || c == '.'; }

class Lexer {
 public:
  Lexer(std::string_view text, std::string_view place, bool one_line)
      : text_(text), place_(place), one_line_(one_line) {
    if (text.size() > max_text) throw SpecError(place_, "the text is longer than 16 MiB");
  }

  std::vector<Token> run() {
    while (at_ < text_.size()) next();
    push(Token::Kind::end, "");
    return std::move(tokens_);
  }

 private:
  const std::string_view text_;
  const std::string place_;
  const bool one_line_;
  size_t at_ = 0, line_start_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;

  int column() const { return static_cast<int>(at_ - line_start_) + 1; }
  [[noreturn]] void fail(const std::string& problem) const {
    throw SpecError(token_place(place_, {.line = line_, .column = column()}, one_line_), problem);
  }
  void push(Token::Kind kind, std::string text, double value = 0) {
    tokens_.push_back({.kind = kind, .text = std::move(text), .value = value, .line = line_, .column = column()});
  }
  char peek(size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  template <typename Predicate>
  std::string_view run_of(size_t from, Predicate predicate) const {
    size_t end = from;
    while (end < text_.size() && predicate(text_[end])) ++end;
    return text_.substr(from, end - from);
  }

  void next() {
    const char c = text_[at_];
    if (c == '\n') {
      push(Token::Kind::newline, "");
      line_start_ = ++at_;
      ++line_;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at_;
    } else if (c == '#') {
      at_ += run_of(at_, [](char x) { return x != '\n'; }).size();
    } else if (starts_name(c)) {
      const std::string_view name = run_of(at_, in_name);
      push(Token::Kind::name, std::string(name));
      at_ += name.size();
    } else if (c == '%' && is_digit(peek(1))) {
      const std::string_view digits = run_of(at_ + 1, is_digit);
      push(Token::Kind::local, std::string(digits));
      at_ += digits.size() + 1;
    } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      number();
    } else if (c == '"') {
      string();
    } else {
      symbol();
    }
  }

  void number() {
    double value = 0;
    const char* first = text_.data() + at_;
    const auto [last, error] = std::from_chars(first, text_.data() + text_.size(), value);
    if (error != std::errc()) fail("a number that no double can hold");
    push(Token::Kind::number, std::string(first, last), value);
    at_ += last - first;
    if (at_ < text_.size() && in_name(text_[at_])) fail("a number is followed by letters");
  }

  void string() {
    std::string content;
    size_t i = at_ + 1;
    for (; i < text_.size() && text_[i] != '"' && text_[i] != '\n'; ++i) {
      if (text_[i] != '\\') {
        content += text_[i];
        continue;
      }
      const char escape = i + 1 < text_.size() ? text_[i + 1] : '\0';
      if (escape == '"' || escape == '\\') {
        content += escape;
        i += 1;
      } else if (escape == 'n') {
        content += '\n';
        i += 1;
      } else if (escape == 'x' && i + 3 < text_.size()) {
        unsigned code = 0;
        const char* digits = text_.data() + i + 2;
        if (std::from_chars(digits, digits + 2, code, 16).ptr != digits + 2) fail("\\x needs two hexadecimal digits");
        content += static_cast<char>(code);
        i += 3;
      } else {
        fail("an unknown escape in a string");
      }
    }
    if (i >= text_.size() || text_[i] != '"') fail("a string has no closing quote");
    push(Token::Kind::string, std::move(content));
    at_ = i + 1;
  }

  void symbol() {
    const char c = text_[at_];
    const bool two = peek(1) == '=' && (c == '<' || c == '>' || c == '=' || c == '!');
    if (!two && std::string_view("+-*/<>=()[]{},:;@!&|^?$").find(c) == std::string_view::npos)
      fail(c > ' ' && c < 0x7f ? fmt::format("unexpected character '{}'", c) : "unexpected character");
    push(Token::Kind::symbol, std::string(text_.substr(at_, two ? 2 : 1)));
    at_ += two ? 2 : 1;
  }
};

}  // namespace

std::vector<Token> lex(std::string_view text, std::string_view place, bool one_line) {
  return Lexer(text, place, one_line).run();
}

std::string token_place(std::string_view place, const Token& token, bool one_line) {
  if (one_line) return fmt::format("{}:{}", place, token.column);
  return fmt::format("{}:{}:{}", place, token.line, token.column);
}

}  // namespace shoal
