// Sanitising identifiers and comments.
#include "compiler/emit/cuda_names.h"

#include <algorithm>
#include <array>

#include "compiler/support/error.h"

namespace shoal::emit {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr auto reserved = std::to_array<std::string_view>({
    // C++
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "auto",
    "bitand",
    "bitor",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "char16_t",
    "char32_t",
    "char8_t",
    "class",
    "co_await",
    "co_return",
    "co_yield",
    "compl",
    "concept",
    "const",
    "const_cast",
    "consteval",
    "constexpr",
    "constinit",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "dynamic_cast",
    "else",
    "enum",
    "explicit",
    "export",
    "extern",
    "false",
    "float",
    "for",
    "friend",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "nullptr",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "register",
    "reinterpret_cast",
    "requires",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "static_cast",
    "struct",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "typeof",
    "union",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
    // CUDA and its predefined macros
    "threadIdx",
    "blockIdx",
    "blockDim",
    "gridDim",
    "warpSize",
    "dim3",
    "float2",
    "float4",
    "int2",
    "int4",
    "linux",
    "unix",
    "fabsf",
    "floorf",
    "make_float2",
    "make_float4",
    "make_int2",
    "make_int4",
    "NULL",
    "main",
    "min",
    "max",
    "printf",
    "assert",
    // this emitter's own
    "group",
    "warp",
    "lane",
    "arena",
    "shoal_arena",
    "shoal_div",
    "shoal_max",
    "shoal_min",
    "shoal_sqrt",
    "shoal_exp2",
    "shoal_rcp",
    "shoal_approximate_reciprocal",
    "shoal_approximate_root",
    "shoal_approximate_reciprocal_root",
    "shoal_bf16",
    "shoal_f16",
    "shoal_tf32",
    "shoal_bf16_pair",
    "shoal_mma_tf32",
    "shoal_mma_bf16",
});

// The emitter's numbered names: one letter and digits (v12, x7).
bool looks_generated(std::string_view s) {
  return s.size() >= 2 && is_letter(s[0]) && std::all_of(s.begin() + 1, s.end(), is_digit);
}

constexpr size_t longest = 48;

}  // namespace

std::string CudaNames::unique(std::string_view wanted) {
  std::string base;
  for (char c : wanted.substr(0, longest)) base += is_letter(c) || is_digit(c) ? c : '_';
  if (base.empty() || !is_letter(base[0])) base = "b_" + base;
  // Double underscores and a leading underscore belong to the implementation.
  while (base.starts_with("_")) base.erase(0, 1);
  for (size_t at; (at = base.find("__")) != std::string::npos;) base.erase(at, 1);
  if (base.empty() || !is_letter(base[0])) base = "b_" + base;
  const bool is_reserved = std::find(reserved.begin(), reserved.end(), base) != reserved.end();
  if (is_reserved || looks_generated(base)) base += '_';
  std::string name = base;
  for (int n = 2; !taken_.insert(name).second; n++)
    name = base + (base.ends_with('_') ? "" : "_") + std::to_string(n) + "_";
  return name;
}

std::string comment_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string line(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    for (char& c : line)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    while (line.ends_with(' ')) line.pop_back();
    if (line.ends_with('\\')) line += '.';  // a backslash at the end of a line would continue the comment
    out += line.empty() ? "//\n" : "// " + line + "\n";
  }
  return out;
}

std::string_view c_type(kernel::Type type) {
  switch (type) {
    case kernel::Type::f32: return "float";
    case kernel::Type::i32: return "int";
    case kernel::Type::i64: return "long long";
    case kernel::Type::pred: return "bool";
    case kernel::Type::f16:
    case kernel::Type::bf16: return "unsigned short";  // loads convert it
    case kernel::Type::none: return "void";
  }
  throw InternalError("internal error: no such type");
}

std::string c_vector(kernel::Type element, int width) {
  const bool half = element == kernel::Type::f16 || element == kernel::Type::bf16;
  std::string text(half && width > 1 ? "ushort" : c_type(element));
  if (width > 1) text += std::to_string(width);
  return text;
}

}  // namespace shoal::emit
