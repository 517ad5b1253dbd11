// Addresses in swizzled matrices: element (row, column) stands at (row * length + column) ^ (row & 28).
#include <algorithm>
#include <bit>

#include "compiler/lower/address.h"

namespace shoal::lower {

using kernel::Op;

namespace {

constexpr int64_t swizzle_mask = 28, bank_row = 32;

int64_t low_bit(int64_t n) { return n == 0 ? int64_t{1} << 30 : n & -n; }
int64_t all_ones_above(int64_t n) { return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(n) + 1)) - 1; }

// Whether the values of any two of these have no bit in common.
bool bits_apart(std::vector<Bounds> parts) {
  std::sort(parts.begin(), parts.end(), [](const Bounds& a, const Bounds& b) { return a.multiple < b.multiple; });
  for (size_t i = 0; i + 1 < parts.size(); ++i)
    if (parts[i].most >= parts[i + 1].multiple) return false;
  return true;
}

}  // namespace

Bounds bounds_of(const kernel::Kernel& kernel, int32_t value) {
  const kernel::Instruction& in = kernel.code[value];
  auto constant = [&](int n) { return kernel.code[in.args[n]].op == Op::constant ? kernel.code[in.args[n]].imm : -1; };
  auto of = [&](int n) { return bounds_of(kernel, in.args[n]); };
  switch (in.op) {
    case Op::constant: return in.imm >= 0 ? Bounds{low_bit(in.imm), in.imm} : Bounds{};
    case Op::lane: return {1, kernel.lanes - 1};
    case Op::warp: return {1, kernel.warps - 1};
    case Op::loop: {
      int64_t count = constant(0);
      return {low_bit(in.imm), count > 0 ? (count - 1) / in.imm * in.imm : INT32_MAX};
    }
    case Op::mul: {
      if (constant(1) < 0) return {};
      Bounds a = of(0);
      return {a.multiple * low_bit(constant(1)), std::min<int64_t>(INT32_MAX, a.most * constant(1))};
    }
    case Op::shl: {
      if (constant(1) < 0) return {};
      Bounds a = of(0);
      return {a.multiple << constant(1), std::min<int64_t>(INT32_MAX, a.most << constant(1))};
    }
    case Op::shr: {
      if (constant(1) < 0) return {};
      Bounds a = of(0);
      return {std::max<int64_t>(1, a.multiple >> constant(1)), a.most >> constant(1)};
    }
    case Op::div: {
      if (constant(1) <= 0) return {};
      return {1, of(0).most / constant(1)};
    }
    case Op::rem: {
      if (constant(1) <= 0) return {};
      return {1, std::min(of(0).most, constant(1) - 1)};
    }
    case Op::band: {
      if (constant(1) < 0) return {};
      Bounds a = of(0);
      return {std::max(a.multiple, low_bit(constant(1))), std::min(a.most, constant(1))};
    }
    case Op::add: {
      Bounds a = of(0), b = of(1);
      return {std::min(a.multiple, b.multiple), std::min<int64_t>(INT32_MAX, a.most + b.most)};
    }
    case Op::bor:
    case Op::bxor: {
      Bounds a = of(0), b = of(1);
      return {std::min(a.multiple, b.multiple), all_ones_above(std::max(a.most, b.most))};
    }
    case Op::scalar:
    case Op::group:
    case Op::sub:
    case Op::fma:
    case Op::max:
    case Op::min:
    case Op::neg:
    case Op::abs:
    case Op::floor:
    case Op::sqrt:
    case Op::exp2:
    case Op::rcp:
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
    case Op::end:
    case Op::load:
    case Op::store:
    case Op::lanes_xor:
    case Op::mma:
    case Op::barrier: return {};
  }
  return {};
}

Bounds bounds_of(const kernel::Kernel& kernel, const Linear& linear) {
  Bounds sum{int64_t{1} << 30, 0};
  for (auto [value, factor] : linear.terms) {
    Bounds b = bounds_of(kernel, value);
    sum.multiple = std::min(sum.multiple, b.multiple * low_bit(factor));
    sum.most = factor < 0 ? INT32_MAX : std::min<int64_t>(INT32_MAX, sum.most + b.most * factor);
  }
  return sum;
}

int32_t Addresses::once(Op op, int32_t a, int64_t constant) {
  std::array<int64_t, 3> key{static_cast<int64_t>(op), a, constant};
  if (int32_t known = operations_.find(key); known >= 0) return known;
  int32_t result = builder_.emit(op, a, builder_.constant_i32(constant));
  operations_.insert(key, result);
  return result;
}

// row * length ^ (row & 28)
int32_t Addresses::swizzled_row(int32_t row, int64_t length, Bounds bounds) {
  bool swizzled = bounds.multiple % bank_row != 0 && bounds.most >= 4;
  if (!swizzled) return once(Op::mul, row, length);
  // Bits 2 to 4 are the whole row, and stand below the row's own place: two products become one.
  if (bounds.multiple % 4 == 0 && bounds.most < bank_row && length >= bank_row) return once(Op::mul, row, length + 1);
  int32_t swizzle = once(Op::band, row, swizzle_mask);
  std::array<int64_t, 3> key{-1, row, length};
  if (int32_t known = operations_.find(key); known >= 0) return known;
  int32_t result = builder_.emit(Op::bxor, once(Op::mul, row, length), swizzle);
  operations_.insert(key, result);
  return result;
}

// In the order in which the parts became known, so that what is known before a loop is combined before it.
int32_t Addresses::exclusive_or(std::vector<int32_t> parts, int64_t constant) {
  std::sort(parts.begin(), parts.end());
  int32_t result = -1;
  for (int32_t part : parts) {
    if (result < 0) {
      result = constant ? once(Op::bxor, part, constant) : part;
      continue;
    }
    std::array<int64_t, 3> key{-2, result, part};
    int32_t known = operations_.find(key);
    if (known < 0) operations_.insert(key, known = builder_.emit(Op::bxor, result, part));
    result = known;
  }
  return result;
}

std::pair<int32_t, int64_t> Addresses::swizzled(const Linear& row, const Linear& column, int64_t length) {
  const kernel::Kernel& kernel = builder_.kernel();
  int64_t row_constant = row.constant, column_constant = column.constant, imm = 0;
  Linear row_terms{row.terms, 0}, column_terms{column.terms, 0};
  // The place of a column in its group of four is added as it is, as far as the rest of the column leaves it alone; and
  // that of a row in its four, where rows are whole banks or what swizzles them stays within their columns.
  const int64_t apart = column_terms.terms.empty() ? 4 : std::min<int64_t>(4, bounds_of(kernel, column_terms).multiple);
  imm += column_constant & (apart - 1);
  column_constant &= ~(apart - 1);
  const Bounds rows = row_terms.terms.empty() ? Bounds{4, 0} : bounds_of(kernel, row_terms);
  const bool stays = length >= bank_row || (row_constant >= 0 && rows.most + row_constant < length);
  if (stays && rows.multiple % 4 == 0) {
    imm += (row_constant & 3) * length;
    row_constant &= ~int64_t{3};
  }
  std::vector<int32_t> parts;
  int64_t constant = 0;
  auto add = [&](const Linear& terms, int64_t offset, bool is_row) {
    std::vector<Bounds> bounds;
    if (offset) bounds.push_back({low_bit(offset), offset});
    for (auto [value, factor] : terms.terms) {
      Bounds b = bounds_of(kernel, value);
      bounds.push_back(
          {b.multiple * low_bit(factor), factor < 0 ? INT32_MAX : std::min<int64_t>(INT32_MAX, b.most * factor)});
    }
    auto place = [&](int32_t value, Bounds b) { parts.push_back(is_row ? swizzled_row(value, length, b) : value); };
    if (offset < 0 || !bits_apart(bounds)) return place(this->value({terms.terms, offset}), Bounds{});
    constant ^= is_row ? (offset * length) ^ (offset & swizzle_mask) : offset;
    for (auto [value, factor] : terms.terms) {
      Bounds b = bounds_of(kernel, value);
      place(factor == 1 ? value : once(Op::mul, value, factor),
            {b.multiple * low_bit(factor), std::min<int64_t>(INT32_MAX, b.most * factor)});
    }
  };
  add(row_terms, row_constant, true);
  add(column_terms, column_constant, false);
  if (parts.empty()) return {-1, constant + imm};
  return {exclusive_or(parts, constant), imm};
}

}  // namespace shoal::lower
