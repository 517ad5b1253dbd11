// A kernel that copies between an array as its owner has it, with strides, and the layout that a program wants.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "runtime/population_layout.h"

namespace shoal::runtime {

// 4-byte elements in memory of a device that somebody else owns: element (i, j, ...) stands at
// address + 4 * (i * strides[0] + j * strides[1] + ...).
struct StridedView {
  uintptr_t address = 0;
  std::vector<int64_t> shape, strides;  // the sizes agree

  int64_t elements() const;
  int64_t bytes() const;  // from the address to the end of the last element
  bool dense() const;     // row-major, without gaps
};

// Throws SpecError at `place` for negative extents or strides, strides that do not belong to the shape, an address that
// is not a multiple of 4, and more than 2^31 - 1 elements.
void verify(const StridedView&, const std::string& place);

enum class CopyDirection : uint8_t { into_layout, out_of_layout };

// Buffers: the view's memory, then the layout's. The view has the layout's dense elements, in their order.
Module strided_copy(const Target&, const ArgumentLayout&, const StridedView&, CopyDirection);

}  // namespace shoal::runtime
