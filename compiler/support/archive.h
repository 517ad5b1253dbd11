// Values as bytes, and back with every length checked. One function a type serves both directions, so that they agree:
//   template <typename Archive, typename T> requires is_a<T, Point> void archive(Archive& a, T& p) { a(p.x, p.y); }
// The function should take the value apart by structured binding: then a new member does not compile until it is
// listed.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace shoal {

// T is Value or const Value.
template <typename T, typename Value>
concept is_a = std::is_same_v<std::remove_const_t<T>, Value>;

template <typename T>
concept plain_value = std::is_arithmetic_v<T> || std::is_enum_v<T>;

class ByteWriter {
 public:
  template <typename... T>
  void operator()(const T&... values) {
    (write(values), ...);
  }
  std::string bytes;

 private:
  template <plain_value T>
  void write(const T& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void write(const std::string& text) {
    write(static_cast<uint64_t>(text.size()));
    bytes += text;
  }
  template <typename T>
  void write(const std::vector<T>& list) {
    write(static_cast<uint64_t>(list.size()));
    for (const T& each : list) write(each);
  }
  template <typename T>
    requires std::is_class_v<T>
  void write(const T& value) {
    archive(*this, value);
  }
};

// Once something does not fit, failed() is true and what is read is zero or empty.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  template <typename... T>
  void operator()(T&... values) {
    (read(values), ...);
  }
  bool failed() const { return failed_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view take(size_t count) {
    if (count > rest_.size()) failed_ = true;
    if (failed_) return {};
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  template <plain_value T>
  void read(T& value) {
    const std::string_view from = take(sizeof value);
    value = T{};
    if (!failed_) from.copy(reinterpret_cast<char*>(&value), sizeof value);
  }
  void read(std::string& text) {
    uint64_t size = 0;
    read(size);
    text = take(size);
  }
  template <typename T>
  void read(std::vector<T>& list) {
    uint64_t size = 0;
    read(size);
    if (size > rest_.size()) failed_ = true;  // an element has a byte at least
    list.clear();
    for (uint64_t i = 0; i < size && !failed_; ++i) read(list.emplace_back());
  }
  template <typename T>
    requires std::is_class_v<T>
  void read(T& value) {
    archive(*this, value);
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace shoal
