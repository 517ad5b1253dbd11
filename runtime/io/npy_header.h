// The header of an .npy file: a Python dictionary literal with three keys, read by its grammar.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/io/tensor.h"

namespace shoal::io {

struct NpyHeader {
  ElementType type = ElementType::f32;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

// Throws SpecError at `place` for anything but {'descr': ..., 'fortran_order': ..., 'shape': ...} and white space.
NpyHeader parse_npy_header(std::string_view text, const std::string& place);

std::string_view npy_descr(ElementType);  // "<f4", "|u1"

}  // namespace shoal::io
