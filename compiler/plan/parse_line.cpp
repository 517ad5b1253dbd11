// Readers of names, numbers, shapes and references.
#include "compiler/plan/parse_line.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "compiler/support/error.h"
#include "compiler/support/text.h"

namespace shoal::plan {

Line::Line(std::string_view text, int number) : number_(number) {
  try {
    tokens_ = lex(text, "plan", true);
  } catch (const SpecError& error) {
    fail(std::string(error.what()).substr(error.place.size() + 2));
  }
}

void Line::fail(const std::string& problem) const { throw SpecError(fmt::format("plan:{}", number_), problem); }

std::string Line::found() const {
  if (at_end()) return "the end of the line";
  return fmt::format("'{}{}'", peek().kind == Token::Kind::local ? "%" : "", peek().text);
}

void Line::expect_end() const {
  if (!at_end()) fail("unexpected " + found());
}

const Token& Line::take() { return at_end() ? tokens_[at_] : tokens_[at_++]; }

bool Line::accept(std::string_view wanted) {
  if ((peek().kind != Token::Kind::name && peek().kind != Token::Kind::symbol) || peek().text != wanted) return false;
  ++at_;
  return true;
}

void Line::expect(std::string_view wanted) {
  if (!accept(wanted)) fail(fmt::format("expected '{}', got {}", wanted, found()));
}

bool Line::accept_key(std::string_view key) {
  if (at_end() || peek().kind != Token::Kind::name || peek().text != key || !tokens_[at_ + 1].is("=")) return false;
  at_ += 2;
  return true;
}

std::string Line::word() {
  if (peek().kind != Token::Kind::name) fail("expected a word, got " + found());
  return take().text;
}

std::string Line::name() {
  if (peek().kind != Token::Kind::name && peek().kind != Token::Kind::string) fail("expected a name, got " + found());
  return take().text;
}

int64_t Line::integer() {
  const bool negative = accept("-");
  if (!negative) accept("+");
  int64_t value = 0;
  const std::string& text = peek().text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (peek().kind != Token::Kind::number || error != std::errc() || end != text.data() + text.size())
    fail("expected an integer, got " + found());
  take();
  return negative ? -value : value;
}

int32_t Line::small_integer(int64_t low) {
  const int64_t value = integer();
  if (value < low || value > std::numeric_limits<int32_t>::max())
    fail(fmt::format("expected an integer from {} to 2147483647, got {}", low, value));
  return static_cast<int32_t>(value);
}

double Line::real() {
  const double sign = accept("-") ? -1 : 1;
  if (accept("inf")) return sign * std::numeric_limits<double>::infinity();
  if (accept("nan")) return std::copysign(std::numeric_limits<double>::quiet_NaN(), sign);
  if (peek().kind != Token::Kind::number) fail("expected a number, got " + found());
  return sign * take().value;
}

int32_t Line::local(size_t limit) {
  if (peek().kind != Token::Kind::local) fail("expected a scalar such as %3, got " + found());
  size_t value = 0;
  const std::string& text = peek().text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value >= limit) fail(fmt::format("scalar %{} is not defined yet", text));
  take();
  return static_cast<int32_t>(value);
}

Shape Line::shape() {
  Shape shape;
  expect("[");
  if (accept("]")) return shape;
  do {
    shape.push_back(integer());
  } while (accept(","));
  expect("]");
  return shape;
}

DType Line::dtype() {
  for (DType dtype : {DType::f32, DType::i32, DType::boolean})
    if (accept(dtype_name(dtype))) return dtype;
  fail("expected f32, i32 or bool, got " + found());
}

DType Line::stored_dtype() {
  for (DType dtype : {DType::f32, DType::i32, DType::boolean, DType::f16, DType::bf16})
    if (accept(dtype_name(dtype))) return dtype;
  fail("expected f32, i32, bool, f16 or bf16, got " + found());
}

Varies Line::varies() {
  Varies varies;
  if (accept("none")) return varies;
  do {
    if (accept("member"))
      varies.member = true;
    else if (accept("sample"))
      varies.sample = true;
    else
      fail("expected member, sample or none, got " + found());
  } while (accept(","));
  return varies;
}

int32_t Line::reference(const std::vector<std::string>& names, std::string_view what) {
  const std::string wanted = name();
  if (accept("@")) {
    const int64_t i = integer();
    if (i < 0 || i >= std::ssize(names) || names[static_cast<size_t>(i)] != wanted)
      fail(fmt::format("no {} '{}' has number {}", what, wanted, i));
    return static_cast<int32_t>(i);
  }
  const auto found_at = std::ranges::find(names, wanted);
  if (found_at == names.end()) fail(fmt::format("no {} is called '{}'{}", what, wanted, did_you_mean(wanted, names)));
  if (std::find(found_at + 1, names.end(), wanted) != names.end())
    fail(fmt::format("several {}s are called '{}'; say which, as {}@{}", what, wanted, wanted,
                     found_at - names.begin()));
  return static_cast<int32_t>(found_at - names.begin());
}

}  // namespace shoal::plan
