// Addresses: sums of loop counters times strides, each computed once in the bracket where its parts are known.
#pragma once

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

class Addresses {
 public:
  explicit Addresses(kernel::Builder& builder) : builder_(builder) {}
  // The value of the terms (without the constant), -1 when there are none. Prefixes of the terms are computed as sums
  // of their own, so that calling this before a loop opens leaves only the loop's own term to add inside.
  int32_t index(const Linear& linear);
  int32_t value(const Linear& linear);  // with the constant
  void open() { memo_.open(); }
  void close() { memo_.close(); }

 private:
  kernel::Builder& builder_;
  ScopedMemo<std::vector<std::pair<int32_t, int64_t>>> memo_;
};

}  // namespace shoal::lower
