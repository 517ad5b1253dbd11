// Which element of an operand an element of the result is: index maps as explicit tables.
#include "compiler/graph/elements.h"

#include <algorithm>
#include <numeric>

#include "compiler/support/error.h"

namespace shoal {
namespace {

// Coordinates of a shape in row-major order; true while there is a next one.
bool advance(std::vector<int64_t>& coordinates, const Shape& shape) {
  for (size_t d = shape.size(); d-- > 0;) {
    if (++coordinates[d] < shape[d]) return true;
    coordinates[d] = 0;
  }
  return false;
}

std::vector<int64_t> shifted_map(const Shape& over, const Shape& from, const std::vector<int64_t>& shift) {
  const auto strides = row_major_strides(from);
  std::vector<int64_t> map, at(over.size(), 0);
  do {
    int64_t element = 0;
    for (size_t d = 0; d < over.size() && element != padding_element; ++d) {
      const int64_t x = at[d] + shift[d];
      element = x < 0 || x >= from[d] ? padding_element : element + x * strides[d];
    }
    map.push_back(element);
  } while (advance(at, over));
  return map;
}

// For every element of windows(`from`), the element of `from`.
std::vector<int64_t> window_map(const Attrs& attrs, const Shape& windows, const Shape& from) {
  const auto strides = row_major_strides(from);
  std::vector<int64_t> map, at(windows.size(), 0);
  do {
    std::vector<int64_t> place(at.begin(), at.begin() + std::ssize(from));
    for (size_t i = 0; i < attrs.dims.size(); ++i) {
      int64_t& x = place[attrs.dims[i]];
      x = x * attrs.stride[i] + at[from.size() + i] - attrs.low[i];
    }
    int64_t element = 0;
    for (size_t d = 0; d < from.size() && element != padding_element; ++d)
      element = place[d] < 0 || place[d] >= from[d] ? padding_element : element + place[d] * strides[d];
    map.push_back(element);
  } while (advance(at, windows));
  return map;
}

}  // namespace

std::vector<int64_t> row_major_strides(const Shape& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

std::vector<int64_t> offsets(const Shape& over, const std::vector<int64_t>& strides) {
  std::vector<int64_t> result, at(over.size(), 0);
  result.reserve(element_count(over));
  do {
    result.push_back(std::inner_product(at.begin(), at.end(), strides.begin(), int64_t{0}));
  } while (advance(at, over));
  return result;
}

std::vector<int64_t> element_map(const Node& node, const Shape& from) {
  const Attrs& attrs = node.attrs;
  const auto from_strides = row_major_strides(from);
  switch (node.prim) {
    case Prim::broadcast: {
      std::vector<int64_t> strides(node.shape.size(), 0);
      for (size_t d = 0; d < from.size(); ++d) strides[attrs.dims[d]] = from_strides[d];
      return offsets(node.shape, strides);
    }
    case Prim::reshape: return offsets(node.shape, row_major_strides(node.shape));
    case Prim::transpose: {
      std::vector<int64_t> strides;
      for (int64_t d : attrs.dims) strides.push_back(from_strides[d]);
      return offsets(node.shape, strides);
    }
    case Prim::slice: return shifted_map(node.shape, from, attrs.low);
    case Prim::pad: {
      std::vector<int64_t> shift;
      for (int64_t x : attrs.low) shift.push_back(-x);
      return shifted_map(node.shape, from, shift);
    }
    case Prim::window: return window_map(attrs, node.shape, from);
    case Prim::unwindow: return window_map(attrs, from, node.shape);
    case Prim::reduce: {
      std::vector<int64_t> strides(from.size(), 0);
      const auto to = row_major_strides(node.shape);
      for (size_t d = 0, kept = 0; d < from.size(); ++d)
        if (std::ranges::find(attrs.dims, static_cast<int64_t>(d)) == attrs.dims.end()) strides[d] = to[kept++];
      return offsets(from, strides);
    }
    case Prim::input:
    case Prim::constant:
    case Prim::index:
    case Prim::position:
    case Prim::step:
    case Prim::add:
    case Prim::sub:
    case Prim::mul:
    case Prim::div:
    case Prim::rem:
    case Prim::max:
    case Prim::min:
    case Prim::neg:
    case Prim::abs:
    case Prim::floor:
    case Prim::sqrt:
    case Prim::exp:
    case Prim::log:
    case Prim::tanh:
    case Prim::sigmoid:
    case Prim::erf:
    case Prim::sin:
    case Prim::cos:
    case Prim::lt:
    case Prim::le:
    case Prim::eq:
    case Prim::logical_and:
    case Prim::logical_or:
    case Prim::logical_not:
    case Prim::select:
    case Prim::cast:
    case Prim::stop_gradient:
    case Prim::shuffle:
    case Prim::concat:
    case Prim::gather:
    case Prim::contract:
    case Prim::time:
    case Prim::carry:
    case Prim::last:
    case Prim::collect: break;
  }
  throw InternalError(fmt::format("internal error: {} has no element map", prim_name(node.prim)));
}

}  // namespace shoal
