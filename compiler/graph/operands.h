// Operands: the nodes that a node reads. Up to three, which only concat exceeds, stand in the object itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace shoal {

using NodeId = uint32_t;

class Operands {
 public:
  Operands() = default;
  Operands(std::initializer_list<NodeId> ids) { append({ids.begin(), ids.size()}); }
  Operands(const std::vector<NodeId>& ids) { append(ids); }
  Operands(const Operands& other) { append(other); }
  Operands(Operands&& other) noexcept { swap(other); }
  Operands& operator=(Operands other) noexcept {
    swap(other);
    return *this;
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const NodeId* begin() const { return many_ ? many_.get() : few_; }
  const NodeId* end() const { return begin() + size_; }
  NodeId* begin() { return many_ ? many_.get() : few_; }
  NodeId* end() { return begin() + size_; }
  NodeId operator[](size_t i) const { return begin()[i]; }
  NodeId& operator[](size_t i) { return begin()[i]; }
  NodeId back() const { return end()[-1]; }

  void push_back(NodeId id) { append({&id, 1}); }
  void append(std::span<const NodeId> ids) {
    const size_t sum = size_ + ids.size();
    if (sum > most_few) {
      auto longer = std::make_unique<NodeId[]>(sum);
      std::copy(begin(), end(), longer.get());
      many_ = std::move(longer);
    }
    std::copy(ids.begin(), ids.end(), end());
    size_ = static_cast<uint32_t>(sum);
  }

  friend bool operator==(const Operands& a, const Operands& b) { return std::ranges::equal(a, b); }

 private:
  static constexpr size_t most_few = 3;

  void swap(Operands& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(few_, other.few_);
    std::swap(many_, other.many_);
  }

  uint32_t size_ = 0;
  NodeId few_[most_few] = {};
  std::unique_ptr<NodeId[]> many_;  // all of them, where there are more
};

}  // namespace shoal
