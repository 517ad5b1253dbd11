// Rows: where each lane reads neighbouring elements at a place of its own, as each member reads its own sample, one
// load a lane takes two or four of them, and a transposition gives each element its vector: a gather loads as often for
// one element alone.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "compiler/emit/llvm_emitter.h"
#include "compiler/kernel/brackets.h"

namespace shoal::emit::ir {

using kernel::Instruction;
using kernel::Op;

namespace {

constexpr int32_t farthest = 200;  // instructions that are looked through for the other elements

}  // namespace

// Load `first` and those behind it that read the elements next to its own: one, two or four loads.
std::vector<int32_t> Emitter::row_of(int32_t first) const {
  std::vector<int32_t> row{first};
  const Instruction& load = in(first);
  const bool four_bytes = kernel::element_bytes(kernel_.buffers[load.buffer].type) == 4;
  const bool quarters = kernel_.lanes == 4 || kernel_.lanes == 8 || kernel_.lanes == 16;
  if (!masks_.empty() || !four_bytes || !quarters) return row;
  const int32_t end = std::min(first + farthest, static_cast<int32_t>(kernel_.code.size()));
  for (int32_t i = first + 1; i < end && row.size() < 4; ++i) {
    const Instruction& next = in(i);
    const bool barrier = next.op == Op::barrier;
    if (barrier || kernel::opens_bracket(next.op) || kernel::closes_bracket(next.op)) break;
    if (next.op == Op::store && next.buffer == load.buffer) break;
    const bool same_row = next.op == Op::load && next.buffer == load.buffer && next.args == load.args;
    if (same_row && next.imm == load.imm + static_cast<int64_t>(row.size())) row.push_back(i);
  }
  if (row.size() == 3) row.pop_back();
  return row;
}

// `at` is the access of the row's first load.
void Emitter::load_rows(const std::vector<int32_t>& row, const Access& at) {
  const size_t width = row.size();
  const int32_t lanes = kernel_.lanes;
  const std::string element(scalar_type(at.element)), narrow = fmt::format("<{} x {}>", width, element);
  std::vector<std::string> own;  // by lane
  for (int32_t lane = 0; lane < lanes; ++lane) {
    const std::string offset =
        out_.temporary(fmt::format("extractelement {} {}, i64 {}", out_.vector_type(at.offset_type), at.offsets, lane));
    const std::string from = out_.temporary(fmt::format("getelementptr inbounds {}, ptr {}, {} {}", at.step(),
                                                        at.pointer, scalar_type(at.offset_type), offset));
    own.push_back(out_.temporary(fmt::format("load {}, ptr {}, align {}", narrow, from, at.align())));
  }
  // Shuffles that stay within 128 bits are the cheap ones: what follows is of quarters of four elements, lanes 0 to 3
  // in the first, 4 to 7 in the second, and so on.
  const int quarters = lanes / 4;
  const auto shuffled = [&](size_t elements, const std::string& a, const std::string& b, const auto& index, int count) {
    std::string mask;
    for (int n = 0; n < count; ++n) mask += fmt::format("{}i32 {}", n ? ", " : "", index(n));
    return fmt::format("shufflevector <{0} x {1}> {2}, <{0} x {1}> {3}, <{4} x i32> <{5}>", elements, element, a, b,
                       count, mask);
  };
  const auto joined = [&](size_t elements, const std::string& a, const std::string& b) {
    return out_.temporary(shuffled(elements, a, b, [](int n) { return n; }, static_cast<int>(2 * elements)));
  };
  // In each quarter, element `of[k]` of the same quarter of a (0 to 3) or of b (4 to 7).
  const auto within = [&](const std::string& a, const std::string& b, const std::array<int, 4>& of) {
    const auto index = [&](int n) { return of[n % 4] % 4 + n / 4 * 4 + of[n % 4] / 4 * lanes; };
    return shuffled(lanes, a, b, index, lanes);
  };
  // Four lanes' rows as quarters: `four(k)` holds lane k of each quarter, or lanes k and k + 1 where rows are pairs.
  const auto four = [&](int lane) {
    const auto quarter = [&](int n) { return width == 4 ? own[n] : joined(2, own[n], own[n + 1]); };
    std::vector<std::string> parts;
    for (int q = 0; q < quarters; ++q) parts.push_back(quarter(lane + 4 * q));
    for (size_t elements = 4; parts.size() > 1; elements *= 2) {
      std::vector<std::string> pairs;
      for (size_t p = 0; p < parts.size(); p += 2) pairs.push_back(joined(elements, parts[p], parts[p + 1]));
      parts = pairs;
    }
    return parts[0];
  };
  const auto define = [&](size_t n, const std::string& text) {
    values_[row[n]].vector = fmt::format("%v{}", row[n]);
    out_.define(values_[row[n]].vector, text);
    if (n > 0) read_ahead_.insert(row[n]);
  };
  if (width == 2) {
    const std::string low = four(0), high = four(2);
    define(0, within(low, high, {0, 2, 4, 6}));
    define(1, within(low, high, {1, 3, 5, 7}));
    return;
  }
  const std::string a = four(0), b = four(1), c = four(2), d = four(3);
  for (const size_t half : {0u, 2u}) {  // of the rows' elements
    const std::array<int, 4> pairs = half == 0 ? std::array{0, 4, 1, 5} : std::array{2, 6, 3, 7};
    const std::string ab = out_.temporary(within(a, b, pairs)), cd = out_.temporary(within(c, d, pairs));
    define(half, within(ab, cd, {0, 1, 4, 5}));
    define(half + 1, within(ab, cd, {2, 3, 6, 7}));
  }
}

}  // namespace shoal::emit::ir
