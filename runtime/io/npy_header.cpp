// The header of an .npy file: a parser for the one Python dictionary that numpy writes, and nothing more of Python.
#include "runtime/io/npy_header.h"

#include <array>

#include "compiler/support/error.h"

namespace shoal::io {

namespace {

constexpr std::array all_types{ElementType::boolean, ElementType::i8,  ElementType::u8,  ElementType::i16,
                               ElementType::i32,     ElementType::i64, ElementType::f32, ElementType::f64};
constexpr size_t most_dimensions = 32;  // numpy's own limit until version 2

class Parser {
 public:
  Parser(std::string_view text, const std::string& place) : text_(text), place_(place) {}

  NpyHeader header() {
    NpyHeader header;
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      std::string_view key = string("a key");
      expect(':');
      if (key == "descr" && !has_descr) {
        header.type = element_type();
        has_descr = true;
      } else if (key == "fortran_order" && !has_order) {
        header.fortran_order = boolean();
        has_order = true;
      } else if (key == "shape" && !has_shape) {
        header.shape = shape();
        has_shape = true;
      } else {
        fail(fmt::format("an unknown or repeated key '{}'", printable(key)));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("text after the dictionary");
    if (!has_descr || !has_order || !has_shape) fail("not all of the keys descr, fortran_order and shape");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& found) const {
    throw SpecError(place_, fmt::format("the .npy header has {} near byte {}; expected {{'descr': '<f4', "
                                        "'fortran_order': False, 'shape': (3, 4), }}",
                                        found, at_));
  }

  static std::string printable(std::string_view text) {
    std::string out;
    for (char c : text.substr(0, 40)) out += c >= ' ' && c <= '~' ? c : '?';
    return out;
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }

  bool accept(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(fmt::format("no '{}'", c));
  }

  bool accept_word(std::string_view word) {
    skip_space();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  std::string_view string(const char* what) {
    skip_space();
    if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) fail(fmt::format("no string for {}", what));
    char quote = text_[at_++];
    size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail("an unterminated string");
    std::string_view value = text_.substr(at_, end - at_);
    at_ = end + 1;
    return value;
  }

  bool boolean() {
    if (accept_word("False")) return false;
    if (accept_word("True")) return true;
    fail("neither True nor False for fortran_order");
  }

  std::vector<int64_t> shape() {
    std::vector<int64_t> extents;
    expect('(');
    while (!accept(')')) {
      if (extents.size() == most_dimensions) fail("more than 32 dimensions");
      extents.push_back(extent());
      if (!accept(',')) {
        // Python's (3) is a number, not a tuple, so that a single extent must have its comma.
        if (extents.size() == 1) fail("no comma after the extent of one dimension");
        expect(')');
        break;
      }
    }
    return extents;
  }

  int64_t extent() {
    skip_space();
    size_t begin = at_;
    int64_t value = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      if (at_ - begin == 18) fail("an extent of more than 18 digits");  // so that value * 10 + 9 stays below 2^63
      value = value * 10 + (text_[at_++] - '0');
    }
    if (at_ == begin) fail("no non-negative whole number for an extent");
    return value;
  }

  ElementType element_type() {
    skip_space();
    std::string supported = "bool, i1, u1, i2, i4, i8, f4 and f8, little-endian";
    if (at_ < text_.size() && text_[at_] == '[') {
      throw SpecError(place_, fmt::format("records (structured arrays) are not supported; save each field as an array "
                                          "of its own ({})",
                                          supported));
    }
    std::string_view descr = string("descr");
    for (ElementType type : all_types) {
      if (descr == npy_descr(type) || (element_bytes(type) == 1 && descr.size() == 3 && descr[0] == '<' &&
                                       descr.substr(1) == npy_descr(type).substr(1))) {
        return type;
      }
    }
    std::string remedy = "save it as float32 or int32, e.g. array.astype('<f4')";
    if (descr.find('O') != std::string_view::npos) {
      throw SpecError(place_, "holds Python objects, which are never loaded; " + remedy);
    }
    throw SpecError(place_, fmt::format("the element type '{}' is not supported (only {}); {}", printable(descr),
                                        supported, remedy));
  }

  std::string_view text_;
  const std::string& place_;
  size_t at_ = 0;
};

}  // namespace

std::string_view npy_descr(ElementType type) {
  switch (type) {
    case ElementType::boolean: return "|b1";
    case ElementType::i8: return "|i1";
    case ElementType::u8: return "|u1";
    case ElementType::i16: return "<i2";
    case ElementType::i32: return "<i4";
    case ElementType::i64: return "<i8";
    case ElementType::f32: return "<f4";
    case ElementType::f64: return "<f8";
  }
  throw InternalError("internal error: unknown element type");
}

NpyHeader parse_npy_header(std::string_view text, const std::string& place) { return Parser(text, place).header(); }

}  // namespace shoal::io
