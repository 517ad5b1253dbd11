// Where the elements of an argument stand on a device, and how arrays of users ([members, ...], row-major) get there.
#pragma once

#include <cstdint>
#include <span>

#include "compiler/compile.h"

namespace shoal::runtime {

// Device layout of one argument for a population. Element (m, s, u) stands where Argument in compile.h says.
struct ArgumentLayout {
  DType dtype = DType::f32;  // as it is stored
  bool per_member = false;
  int64_t members = 1;  // of the population; the buffer is padded beyond them
  int64_t padded = 1;   // a multiple of block; 1 unless per_member
  int64_t samples = 1, units = 1, block = 1;
  bool operator==(const ArgumentLayout&) const = default;

  int64_t row() const { return samples * units; }  // elements of one member
  int64_t elements() const { return padded * row(); }
  int64_t bytes() const { return elements() * dtype_bytes(dtype); }
  int64_t dense_elements() const { return (per_member ? members : 1) * row(); }
};

// Throws SpecError at the argument's name when the buffer would have more than 2^62 bytes.
ArgumentLayout layout_of(const Argument&, int64_t members, int64_t member_multiple);

// Rows of the members [first, first + count) in the user's layout <-> their part of the buffer, which starts at
// element first * row(). `first` is a multiple of block. pack fills the rest of the last block with zeros. T is float
// or int32_t.
template <typename T>
void pack(const ArgumentLayout&, int64_t count, std::span<const T> dense, std::span<T> packed);
template <typename T>
void unpack(const ArgumentLayout&, int64_t count, std::span<const T> packed, std::span<T> dense);

// Elements of the blocks that `count` members, from the start of a block on, take.
int64_t packed_elements(const ArgumentLayout&, int64_t count);

}  // namespace shoal::runtime
