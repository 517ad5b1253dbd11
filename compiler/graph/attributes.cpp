// The attributes that each primitive reads, by name, for printing and parsing.
#include "compiler/graph/attributes.h"

#include <algorithm>
#include <cmath>

#include "compiler/support/error.h"
#include "compiler/support/text.h"

namespace shoal {
namespace {

[[noreturn]] void fail(const std::string& problem) { throw SpecError("", problem); }

std::string varies_text(Varies varies) {
  if (varies.member && varies.sample) return "member+sample";
  return varies.member ? "member" : varies.sample ? "sample" : "none";
}

std::string number_text(double value) { return fmt::format("{}", value); }

// The value as text, or "" when it is the default. A constant shows its value and a cast its type in any case.
std::string value_text(Prim prim, Attribute attribute, const Attrs& attrs) {
  const auto list = [](const std::vector<int64_t>& x) { return x.empty() ? "" : shape_text(x); };
  const auto text = [](const std::string& x) { return x.empty() ? "" : quoted_text(x); };
  switch (attribute) {
    case Attribute::name: return text(attrs.name);
    case Attribute::role: return attrs.role == Role::input ? "" : std::string(role_name(attrs.role));
    case Attribute::value:
      if (prim != Prim::constant && attrs.value == 0 && !std::signbit(attrs.value)) return "";
      return number_text(attrs.value);
    case Attribute::dtype:
      if (prim != Prim::cast && attrs.dtype == DType::f32) return "";
      return std::string(dtype_name(attrs.dtype));
    case Attribute::varies: return attrs.varies == Varies{} ? "" : varies_text(attrs.varies);
    case Attribute::shape: return list(attrs.shape);
    case Attribute::dims: return list(attrs.dims);
    case Attribute::low: return list(attrs.low);
    case Attribute::high: return list(attrs.high);
    case Attribute::kernel: return list(attrs.kernel);
    case Attribute::stride: return list(attrs.stride);
    case Attribute::dim: return attrs.dim == 0 ? "" : fmt::format("{}", attrs.dim);
    case Attribute::n: return attrs.n == 0 ? "" : fmt::format("{}", attrs.n);
    case Attribute::reduction:
      return attrs.reduction == Reduction::sum ? "" : std::string(reduction_name(attrs.reduction));
    case Attribute::over_sample: return attrs.over_sample ? "true" : "";
    case Attribute::a: return text(attrs.a);
    case Attribute::b: return text(attrs.b);
    case Attribute::out: return text(attrs.out);
    case Attribute::loop: return attrs.loop == -1 ? "" : fmt::format("{}", attrs.loop);
  }
  return "";
}

const Token& only(const AttributeValue& value, Token::Kind kind, std::string_view expected) {
  if (value.is_list || value.tokens.size() != 1 || value.tokens[0].kind != kind)
    fail(fmt::format("expected {}", expected));
  return value.tokens[0];
}

double number(const AttributeValue& value) {
  if (value.is_list || value.numbers.size() != 1) fail("expected a number");
  return value.numbers[0];
}

int64_t whole(double x) {
  // Beyond 2^53 a double may stand for several integers; no extent is that large.
  if (!(std::fabs(x) <= 9007199254740992.0) || x != std::floor(x)) fail("expected a whole number");
  return static_cast<int64_t>(x);
}

int32_t loop_index(double x) {
  if (!(x >= 0 && x <= 2147483647.0)) fail("expected the number of a loop");
  return static_cast<int32_t>(whole(x));
}

std::vector<int64_t> whole_list(const AttributeValue& value) {
  if (!value.is_list) fail("expected a list such as [2, 3]");
  std::vector<int64_t> result;
  for (double x : value.numbers) result.push_back(whole(x));
  return result;
}

// The element of `all` whose name is the single name in `value`.
template <typename T, typename Name>
T named(const AttributeValue& value, std::initializer_list<T> all, Name name_of, std::string_view expected) {
  const std::string& name = only(value, Token::Kind::name, expected).text;
  std::vector<std::string> names;
  for (T each : all) {
    if (name_of(each) == name) return each;
    names.emplace_back(name_of(each));
  }
  fail(fmt::format("expected {}, got {}{}", expected, name, did_you_mean(name, names)));
}

Varies varies(const AttributeValue& value) {
  Varies result;
  for (const Token& token : value.tokens) {
    if (token.kind == Token::Kind::name && token.text == "member") {
      result.member = true;
    } else if (token.kind == Token::Kind::name && token.text == "sample") {
      result.sample = true;
    } else if (token.kind != Token::Kind::name || token.text != "none" || value.tokens.size() != 1) {
      fail("expected member, sample, member+sample or none");
    }
  }
  if (value.tokens.empty()) fail("expected member, sample, member+sample or none");
  return result;
}

constexpr Attribute all_attributes[] = {
    Attribute::name,   Attribute::role, Attribute::value, Attribute::dtype,     Attribute::varies,
    Attribute::shape,  Attribute::dims, Attribute::low,   Attribute::high,      Attribute::kernel,
    Attribute::stride, Attribute::dim,  Attribute::n,     Attribute::reduction, Attribute::over_sample,
    Attribute::a,      Attribute::b,    Attribute::out,   Attribute::loop};

}  // namespace

std::string_view attribute_name(Attribute attribute) {
  switch (attribute) {
    case Attribute::name: return "name";
    case Attribute::role: return "role";
    case Attribute::value: return "value";
    case Attribute::dtype: return "dtype";
    case Attribute::varies: return "varies";
    case Attribute::shape: return "shape";
    case Attribute::dims: return "dims";
    case Attribute::low: return "low";
    case Attribute::high: return "high";
    case Attribute::kernel: return "kernel";
    case Attribute::stride: return "stride";
    case Attribute::dim: return "dim";
    case Attribute::n: return "n";
    case Attribute::reduction: return "reduction";
    case Attribute::over_sample: return "over_sample";
    case Attribute::a: return "a";
    case Attribute::b: return "b";
    case Attribute::out: return "out";
    case Attribute::loop: return "loop";
  }
  return "";
}

const std::vector<Attribute>& attributes_of(Prim prim) {
  using enum Attribute;
  static const std::vector<Attribute> none,
      input = {name, role, dtype, shape, varies}, constant = {value, dtype}, index = {shape, dim}, cast = {dtype},
      shuffle = {n}, broadcast = {shape, dims}, reshape = {shape}, transpose = {dims}, slice = {low, shape},
      pad = {low, high, value}, concat = {dim}, window = {dims, kernel, stride, low, high, value},
      unwindow = {shape, dims, kernel, stride, low, high}, reduce = {reduction, dims, over_sample},
      contract = {a, b, out, over_sample}, in_loop = {loop}, carry = {loop, varies};
  switch (prim) {
    case Prim::input: return input;
    case Prim::constant: return constant;
    case Prim::index: return index;
    case Prim::cast: return cast;
    case Prim::shuffle: return shuffle;
    case Prim::broadcast: return broadcast;
    case Prim::reshape: return reshape;
    case Prim::transpose: return transpose;
    case Prim::slice: return slice;
    case Prim::pad: return pad;
    case Prim::concat: return concat;
    case Prim::window: return window;
    case Prim::unwindow: return unwindow;
    case Prim::reduce: return reduce;
    case Prim::contract: return contract;
    case Prim::carry: return carry;
    case Prim::time:
    case Prim::last:
    case Prim::collect: return in_loop;
    case Prim::position:
    case Prim::step:
    case Prim::add:
    case Prim::sub:
    case Prim::mul:
    case Prim::div:
    case Prim::rem:
    case Prim::max:
    case Prim::min:
    case Prim::neg:
    case Prim::abs:
    case Prim::floor:
    case Prim::sqrt:
    case Prim::exp:
    case Prim::log:
    case Prim::tanh:
    case Prim::sigmoid:
    case Prim::erf:
    case Prim::sin:
    case Prim::cos:
    case Prim::lt:
    case Prim::le:
    case Prim::eq:
    case Prim::logical_and:
    case Prim::logical_or:
    case Prim::logical_not:
    case Prim::select:
    case Prim::stop_gradient:
    case Prim::gather: return none;
  }
  return none;
}

std::string attributes_text(Prim prim, const Attrs& attrs) {
  std::string result;
  for (Attribute attribute : attributes_of(prim)) {
    const std::string value = value_text(prim, attribute, attrs);
    if (!value.empty()) result += fmt::format(", {}={}", attribute_name(attribute), value);
  }
  return result;
}

void set_attribute(Prim prim, Attrs& attrs, const std::string& name, const AttributeValue& value) {
  const auto& known = attributes_of(prim);
  const auto* found = std::ranges::find(all_attributes, name, attribute_name);
  if (found == std::end(all_attributes) || std::ranges::find(known, *found) == known.end()) {
    std::vector<std::string> names;
    for (Attribute each : known) names.emplace_back(attribute_name(each));
    fail(fmt::format("{} has no attribute {}{}", prim_name(prim), name, did_you_mean(name, names)));
  }
  const auto text = [&value] { return only(value, Token::Kind::string, "a text in double quotes").text; };
  switch (*found) {
    case Attribute::name: attrs.name = text(); return;
    case Attribute::role:
      attrs.role =
          named(value, {Role::input, Role::data, Role::order, Role::parameter, Role::state, Role::hyper, Role::key},
                role_name, "a role");
      return;
    case Attribute::value: attrs.value = number(value); return;
    case Attribute::dtype:
      attrs.dtype = named(value, {DType::f32, DType::i32, DType::boolean, DType::f16, DType::bf16}, dtype_name,
                          "f32, i32, bool, f16 or bf16");
      return;
    case Attribute::varies: attrs.varies = varies(value); return;
    case Attribute::shape: attrs.shape = whole_list(value); return;
    case Attribute::dims: attrs.dims = whole_list(value); return;
    case Attribute::low: attrs.low = whole_list(value); return;
    case Attribute::high: attrs.high = whole_list(value); return;
    case Attribute::kernel: attrs.kernel = whole_list(value); return;
    case Attribute::stride: attrs.stride = whole_list(value); return;
    case Attribute::dim: attrs.dim = whole(number(value)); return;
    case Attribute::n: attrs.n = whole(number(value)); return;
    case Attribute::reduction:
      attrs.reduction =
          named(value, {Reduction::sum, Reduction::max, Reduction::min}, reduction_name, "sum, max or min");
      return;
    case Attribute::over_sample: {
      const std::string& word = only(value, Token::Kind::name, "true or false").text;
      if (word != "true" && word != "false") fail("expected true or false");
      attrs.over_sample = word == "true";
      return;
    }
    case Attribute::a: attrs.a = text(); return;
    case Attribute::b: attrs.b = text(); return;
    case Attribute::out: attrs.out = text(); return;
    case Attribute::loop: attrs.loop = loop_index(number(value)); return;
  }
}

}  // namespace shoal
