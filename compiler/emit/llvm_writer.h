// Writes LLVM IR text line by line: types, literals, fresh names, and the intrinsics that the text turns out to need.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::emit::ir {

std::string scalar_type(kernel::Type);  // float, i32, i64, i1; i16
std::string float_literal(float);       // exact, as LLVM's hexadecimal double

class Writer {
 public:
  explicit Writer(int32_t lanes) : lanes_(lanes) {}

  std::string vector_type(kernel::Type) const;                    // <8 x float>
  std::string vector_of(std::string_view element) const;          // <8 x ELEMENT>
  std::string suffix(kernel::Type) const;                         // v8f32, of intrinsic names
  std::string lanes_literal(kernel::Type, int64_t stride) const;  // <i32 0, i32 stride, ...>
  // A mask with one lane on: of predicates, or of 32-bit lanes.
  std::string lane_mask_literal(int32_t lane, bool of_preds) const;
  static std::string splat_literal(kernel::Type, std::string_view literal);

  void line(std::string_view text);                           // an indented instruction without result
  void define(std::string_view name, std::string_view text);  // name = text
  std::string temporary(std::string_view text);               // %tN = text
  std::string splat(kernel::Type, std::string_view scalar);   // a scalar value in all lanes
  void label(std::string_view name);
  const std::string& block() const { return block_; }  // label of the block being written
  // An empty line to be filled later: phis, whose incoming values come last.
  size_t placeholder();
  void fill(size_t at, std::string_view text);
  void declare(std::string_view declaration) { declarations_.insert(std::string(declaration)); }
  void declare_all(const Writer& other) {
    declarations_.insert(other.declarations_.begin(), other.declarations_.end());
  }

  std::string text() const;
  std::string declarations() const;

 private:
  int32_t lanes_;
  int32_t temporaries_ = 0;
  std::string block_;
  std::vector<std::string> lines_;
  std::set<std::string> declarations_;
};

}  // namespace shoal::emit::ir
