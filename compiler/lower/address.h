// Addresses: sums of loop counters times strides, each computed once in the bracket where its parts are known.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::lower {

// An i32 quantity: sum of (kernel value * factor), in the order in which the values became known, plus a constant that
// becomes the immediate of a load or store.
struct Linear {
  std::vector<std::pair<int32_t, int64_t>> terms;
  int64_t constant = 0;
  void add(int32_t value, int64_t factor);  // value -1 adds nothing
  void add(const Linear& other, int64_t factor);
};

// Smallest and largest value of a Linear, whatever the counters and threads in it are; ends beyond i32 mean that
// nothing is known.
struct Range {
  int64_t low = 0, high = 0;
};
Range range_of(const kernel::Kernel&, const Linear&);

// A memo whose entries are forgotten when the bracket in which they were made closes.
template <typename Key>
class ScopedMemo {
 public:
  ScopedMemo() { open(); }
  void open() { scopes_.emplace_back(); }
  void close() { scopes_.pop_back(); }
  void clear() {
    for (auto& scope : scopes_) scope.clear();
  }
  int32_t find(const Key& key) const {
    for (size_t s = scopes_.size(); s-- > 0;)
      if (auto it = scopes_[s].find(key); it != scopes_[s].end()) return it->second;
    return -1;
  }
  void insert(const Key& key, int32_t value) { scopes_.back()[key] = value; }

 private:
  std::vector<std::map<Key, int32_t>> scopes_;
};

// What is certain of a kernel value (an i32 that is not negative): a power of two that divides it, and its maximum.
struct Bounds {
  int64_t multiple = 1, most = INT32_MAX;
};
Bounds bounds_of(const kernel::Kernel& kernel, int32_t value);
Bounds bounds_of(const kernel::Kernel& kernel, const Linear& linear);  // without the constant

class Addresses {
 public:
  explicit Addresses(kernel::Builder& builder) : builder_(builder) {}
  // The value of the terms (without the constant), -1 when there are none. Prefixes of the terms are computed as sums
  // of their own, so that calling this before a loop opens leaves only the loop's own term to add inside.
  int32_t index(const Linear& linear);
  int32_t value(const Linear& linear);  // with the constant
  // Where element (row, column) of a swizzled matrix stands (plan::Place): a value (-1 for none), and what to add to it
  // as an immediate. Each term of the two is swizzled on its own where their bits do not meet, because the result is
  // then the exclusive or of these, and the parts that a loop does not change are computed before it.
  std::pair<int32_t, int64_t> swizzled(const Linear& row, const Linear& column, int64_t row_length);
  // Whether all terms, without the constant, are multiples of `divisor` whatever their values: loops count in steps.
  bool terms_divide_by(const Linear& linear, int64_t divisor) const;
  // The terms divided by `divisor`, of which they must be multiples, and the constant's quotient rounded down.
  Linear divided(const Linear& linear, int64_t divisor);
  void open() { memo_.open(), operations_.open(); }
  void close() { memo_.close(), operations_.close(); }

 private:
  int32_t swizzled_row(int32_t row, int64_t row_length, Bounds bounds);
  int32_t once(kernel::Op op, int32_t a, int64_t constant);
  int32_t exclusive_or(std::vector<int32_t> parts, int64_t constant);

  kernel::Builder& builder_;
  ScopedMemo<std::vector<std::pair<int32_t, int64_t>>> memo_;
  ScopedMemo<std::array<int64_t, 3>> operations_;
};

}  // namespace shoal::lower
