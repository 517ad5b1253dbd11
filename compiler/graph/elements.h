// Which element of an operand an element of the result is: index maps as explicit tables.
#pragma once

#include "compiler/graph/graph.h"

namespace shoal {

constexpr int64_t padding_element = -1;

std::vector<int64_t> row_major_strides(const Shape&);

// For every element of `over` in row-major order, the sum of coordinate times stride.
std::vector<int64_t> offsets(const Shape& over, const std::vector<int64_t>& strides);

// broadcast, reshape, transpose, slice, pad, window: for every element of the result, the operand's element or
// padding_element. unwindow: for every element of the OPERAND, the result's element it is added to, or padding_element.
// reduce: for every element of the operand, the result's element that it goes into. `from` is the operand's shape.
std::vector<int64_t> element_map(const Node&, const Shape& from);

}  // namespace shoal
