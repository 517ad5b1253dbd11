// Shared: a text or list that nobody changes, so that its copies are one value. It takes one pointer, and an empty one
// no memory.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

namespace shoal {

template <typename T>
class Shared {
 public:
  using Element = typename T::value_type;

  Shared() = default;
  template <std::convertible_to<T> Other>
    requires(!std::same_as<std::remove_cvref_t<Other>, Shared>)
  Shared(Other&& value) : Shared(T(std::forward<Other>(value)), nullptr) {}
  Shared(std::initializer_list<Element> elements) : Shared(T(elements), nullptr) {}
  Shared(const Shared& other) : held_(other.held_) {
    if (held_) held_->uses.fetch_add(1, std::memory_order_relaxed);
  }
  Shared(Shared&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  Shared& operator=(Shared other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~Shared() {
    if (held_ && held_->uses.fetch_sub(1, std::memory_order_acq_rel) == 1) delete held_;
  }

  const T& operator*() const { return held_ ? held_->value : empty_value(); }
  const T* operator->() const { return &**this; }
  operator const T&() const { return **this; }

  bool empty() const { return !held_; }
  size_t size() const { return held_ ? held_->value.size() : 0; }
  auto begin() const { return (**this).begin(); }
  auto end() const { return (**this).end(); }
  const Element& operator[](size_t i) const { return held_->value[i]; }

  friend bool operator==(const Shared& a, const Shared& b) { return a.held_ == b.held_ || *a == *b; }
  template <std::convertible_to<T> Other>
    requires(!std::same_as<Other, Shared>)
  friend bool operator==(const Shared& a, const Other& b) {
    return *a == b;
  }

 private:
  struct Held {
    T value;
    std::atomic<uint32_t> uses = 1;
  };

  Shared(T&& value, std::nullptr_t) : held_(value.empty() ? nullptr : new Held{std::move(value)}) {}

  static const T& empty_value() {
    static const T empty;
    return empty;
  }

  Held* held_ = nullptr;  // of a value that is not empty
};

}  // namespace shoal
