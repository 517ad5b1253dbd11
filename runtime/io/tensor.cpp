// Tensor: sizes with overflow checks, and conversions that name the first element which does not fit.
#include "runtime/io/tensor.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "compiler/support/error.h"

namespace shoal::io {

static_assert(std::endian::native == std::endian::little,
              "files hold little-endian numbers and are copied as they are");

namespace {

// "[2, 0]" for row-major position 6 of shape [3, 3].
std::string position_text(const std::vector<int64_t>& shape, int64_t flat) {
  std::vector<int64_t> index(shape.size());
  for (size_t d = shape.size(); d-- > 0;) {
    index[d] = flat % shape[d];
    flat /= shape[d];
  }
  return shape_text(index);
}

template <typename T>
T element(const Tensor& tensor, int64_t i) {
  T value;
  std::memcpy(&value, tensor.bytes.data() + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

// Calls visit(T{}) with the C++ type that holds an element.
template <typename Visit>
auto with_type(ElementType type, Visit visit) {
  switch (type) {
    case ElementType::boolean: return visit(uint8_t{});
    case ElementType::i8: return visit(int8_t{});
    case ElementType::u8: return visit(uint8_t{});
    case ElementType::i16: return visit(int16_t{});
    case ElementType::i32: return visit(int32_t{});
    case ElementType::i64: return visit(int64_t{});
    case ElementType::f32: return visit(float{});
    case ElementType::f64: return visit(double{});
  }
  throw InternalError("internal error: unknown element type");
}

template <typename T>
Tensor tensor_of(ElementType type, std::vector<int64_t> shape, std::span<const T> values) {
  Tensor tensor{type, std::move(shape), {}};
  check(tensor.elements() == static_cast<int64_t>(values.size()), "{} values for a tensor of shape {}", values.size(),
        shape_text(tensor.shape));
  tensor.bytes.resize(values.size_bytes());
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), values.size_bytes());
  return tensor;
}

}  // namespace

int64_t Tensor::elements() const {
  int64_t product = 1;
  for (int64_t extent : shape) product *= extent;
  return product;
}

std::string_view element_type_name(ElementType type) {
  switch (type) {
    case ElementType::boolean: return "bool";
    case ElementType::i8: return "i8";
    case ElementType::u8: return "u8";
    case ElementType::i16: return "i16";
    case ElementType::i32: return "i32";
    case ElementType::i64: return "i64";
    case ElementType::f32: return "f32";
    case ElementType::f64: return "f64";
  }
  throw InternalError("internal error: unknown element type");
}

int64_t element_bytes(ElementType type) {
  return with_type(type, [](auto zero) { return static_cast<int64_t>(sizeof(zero)); });
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t d = 0; d < shape.size(); ++d) text.append(d ? ", " : "").append(std::to_string(shape[d]));
  return text + "]";
}

int64_t checked_bytes(const std::vector<int64_t>& shape, int64_t bytes_per_element, const std::string& place) {
  constexpr int64_t most = int64_t{1} << 62;
  // A zero extent would hide an overflow of the others, and the product must not depend on the order of the extents.
  int64_t product = bytes_per_element;
  bool empty = false;
  for (int64_t extent : shape) {
    if (extent < 0) throw SpecError(place, fmt::format("the shape {} has a negative extent", shape_text(shape)));
    if (extent == 0) {
      empty = true;
    } else if (product > most / extent) {
      throw SpecError(place, fmt::format("the shape {} has more elements than fit in any memory", shape_text(shape)));
    } else {
      product *= extent;
    }
  }
  return empty ? 0 : product;
}

Tensor make_tensor(std::vector<int64_t> shape, std::span<const float> values) {
  return tensor_of(ElementType::f32, std::move(shape), values);
}

Tensor make_tensor(std::vector<int64_t> shape, std::span<const int32_t> values) {
  return tensor_of(ElementType::i32, std::move(shape), values);
}

std::vector<float> to_float(const Tensor& tensor, const std::string& place, NonFinite non_finite) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  with_type(tensor.type, [&](auto zero) {
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(element<decltype(zero)>(tensor, static_cast<int64_t>(i)));
    }
  });
  if (non_finite == NonFinite::allow) return values;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    double found = values[i];
    if (tensor.type == ElementType::f64) found = element<double>(tensor, static_cast<int64_t>(i));
    throw SpecError(place, fmt::format("expected finite numbers within the range of float32, got {} at {}; replace or "
                                       "drop such rows",
                                       found, position_text(tensor.shape, static_cast<int64_t>(i))));
  }
  return values;
}

std::vector<int32_t> to_int32(const Tensor& tensor, const std::string& place) {
  std::vector<int32_t> values(static_cast<size_t>(tensor.elements()));
  with_type(tensor.type, [&](auto zero) {
    using T = decltype(zero);
    for (size_t i = 0; i < values.size(); ++i) {
      T value = element<T>(tensor, static_cast<int64_t>(i));
      bool fits;
      if constexpr (std::is_floating_point_v<T>) {
        fits = value >= T(-2147483648.0) && value < T(2147483648.0) && value == std::trunc(value);
      } else {
        fits = int64_t{value} >= std::numeric_limits<int32_t>::min() &&
               int64_t{value} <= std::numeric_limits<int32_t>::max();
      }
      if (!fits) {
        throw SpecError(place, fmt::format("expected whole numbers that fit in 32 bits, got {} at {}", value,
                                           position_text(tensor.shape, static_cast<int64_t>(i))));
      }
      values[i] = static_cast<int32_t>(value);
    }
  });
  return values;
}

}  // namespace shoal::io
