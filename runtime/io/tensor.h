// Tensor: an array read from or written to a file, and its checked conversions to the two element types of shoal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::io {

enum class ElementType : uint8_t { boolean, i8, u8, i16, i32, i64, f32, f64 };

struct Tensor {
  ElementType type = ElementType::f32;
  std::vector<int64_t> shape;    // rank 0 is one number
  std::vector<std::byte> bytes;  // row-major, little-endian: elements() * element_bytes(type)
  int64_t elements() const;
};

std::string_view element_type_name(ElementType);  // "f32", "bool"
int64_t element_bytes(ElementType);
std::string shape_text(const std::vector<int64_t>&);  // "[3, 4]", "[]"

// elements * bytes an element of a shape that came from a file; throws SpecError at `place` on a negative extent or a
// product beyond 2^62.
int64_t checked_bytes(const std::vector<int64_t>& shape, int64_t bytes_per_element, const std::string& place);

Tensor make_tensor(std::vector<int64_t> shape, std::span<const float> values);    // throws InternalError on a
Tensor make_tensor(std::vector<int64_t> shape, std::span<const int32_t> values);  // count that is not the shape's

enum class NonFinite : uint8_t { allow, refuse };

// The elements as floats. `place` ("digits.npz, array x") opens the messages. Refusing, the first NaN, infinity or
// number beyond the range of f32 is a SpecError that names its position.
std::vector<float> to_float(const Tensor&, const std::string& place, NonFinite = NonFinite::allow);

// The elements as int32. A number that is not whole or is outside int32 is a SpecError that names its position.
std::vector<int32_t> to_int32(const Tensor&, const std::string& place);

}  // namespace shoal::io
