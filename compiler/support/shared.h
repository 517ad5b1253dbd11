// Shared: a text or list that nobody changes, so that its copies are one value. An empty one takes no memory.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <type_traits>
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

  const T& operator*() const { return held_ ? *held_ : empty_value(); }
  const T* operator->() const { return &**this; }
  operator const T&() const { return **this; }

  bool empty() const { return !held_; }
  size_t size() const { return held_ ? held_->size() : 0; }
  auto begin() const { return (**this).begin(); }
  auto end() const { return (**this).end(); }
  const Element& operator[](size_t i) const { return (*held_)[i]; }

  friend bool operator==(const Shared& a, const Shared& b) { return a.held_ == b.held_ || *a == *b; }
  template <std::convertible_to<T> Other>
    requires(!std::same_as<Other, Shared>)
  friend bool operator==(const Shared& a, const Other& b) {
    return *a == b;
  }

 private:
  Shared(T&& value, std::nullptr_t) : held_(value.empty() ? nullptr : std::make_shared<const T>(std::move(value))) {}

  static const T& empty_value() {
    static const T empty;
    return empty;
  }

  std::shared_ptr<const T> held_;  // of a value that is not empty
};

}  // namespace shoal
