// The text side of LLVM emission.
#include "compiler/emit/llvm_writer.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "compiler/support/error.h"

namespace shoal::emit::ir {

using kernel::Type;

std::string scalar_type(Type type) {
  switch (type) {
    case Type::f32: return "float";
    case Type::i32: return "i32";
    case Type::i64: return "i64";
    case Type::pred: return "i1";
    case Type::f16:
    case Type::bf16: return "i16";  // in memory; no value is of such a type
    case Type::none: break;
  }
  throw InternalError("internal error: emit llvm: a value without type");
}

std::string float_literal(float value) {
  // A conversion would quieten a signalling NaN, so NaNs are widened by hand.
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  uint64_t wide = std::bit_cast<uint64_t>(double(value));
  if (std::isnan(value)) wide = uint64_t{bits >> 31} << 63 | uint64_t{0x7FF} << 52 | uint64_t{bits & 0x7FFFFF} << 29;
  return fmt::format("0x{:016X}", wide);
}

std::string Writer::vector_of(std::string_view element) const { return fmt::format("<{} x {}>", lanes_, element); }
std::string Writer::vector_type(Type type) const { return vector_of(scalar_type(type)); }
std::string Writer::suffix(Type type) const {
  return fmt::format("v{}{}", lanes_, type == Type::f32 ? "f32" : scalar_type(type));
}

std::string Writer::lanes_literal(Type type, int64_t stride) const {
  std::string text = "<";
  for (int32_t lane = 0; lane < lanes_; ++lane) {
    // 32-bit lanes wrap, as the multiplication in the kernel would.
    const int64_t element = type == Type::i32 ? int32_t(uint32_t(lane * stride)) : lane * stride;
    text += fmt::format("{}{} {}", lane ? ", " : "", scalar_type(type), element);
  }
  return text + ">";
}

std::string Writer::lane_mask_literal(int32_t on, bool of_preds) const {
  std::string text = "<";
  for (int32_t lane = 0; lane < lanes_; ++lane)
    text += fmt::format("{}{} {}", lane ? ", " : "", of_preds ? "i1" : "i32",
                        lane != on ? (of_preds ? "false" : "0") : (of_preds ? "true" : "-1"));
  return text + ">";
}

std::string Writer::splat_literal(Type type, std::string_view literal) {
  return fmt::format("splat ({} {})", scalar_type(type), literal);
}

void Writer::line(std::string_view text) { lines_.push_back(fmt::format("  {}", text)); }
void Writer::define(std::string_view name, std::string_view text) { line(fmt::format("{} = {}", name, text)); }

std::string Writer::temporary(std::string_view text) {
  std::string name = fmt::format("%t{}", temporaries_++);
  define(name, text);
  return name;
}

std::string Writer::splat(Type type, std::string_view scalar) {
  const std::string vector = vector_type(type);
  const std::string first =
      temporary(fmt::format("insertelement {} poison, {} {}, i64 0", vector, scalar_type(type), scalar));
  return temporary(
      fmt::format("shufflevector {0} {1}, {0} poison, {2} zeroinitializer", vector, first, vector_type(Type::i32)));
}

void Writer::label(std::string_view name) {
  block_ = name;
  lines_.push_back(fmt::format("{}:", name));
}

size_t Writer::placeholder() {
  lines_.emplace_back();
  return lines_.size() - 1;
}

void Writer::fill(size_t at, std::string_view text) { lines_[at] = fmt::format("  {}", text); }

std::string Writer::text() const {
  std::string all;
  for (const std::string& line : lines_) {
    if (!line.empty()) (all += line) += '\n';
  }
  return all;
}

std::string Writer::declarations() const {
  std::string all;
  for (const std::string& declaration : declarations_) all += fmt::format("declare {}\n", declaration);
  return all;
}

}  // namespace shoal::emit::ir
