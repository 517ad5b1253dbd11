// Packing: rows of members to blocks in which the members of one block are the fastest dimension, and back.
#include "runtime/population_layout.h"

#include <algorithm>

#include "compiler/support/error.h"

namespace shoal::runtime {
namespace {

constexpr int64_t largest_buffer = int64_t{1} << 60;  // elements, so that bytes stay below 2^62

int64_t checked_product(int64_t a, int64_t b, const std::string& name) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product > largest_buffer)
    throw SpecError(name, fmt::format("an array of {} times {} elements is too large for any device", a, b));
  return product;
}

}  // namespace

ArgumentLayout layout_of(const Argument& argument, int64_t members, int64_t member_multiple) {
  ArgumentLayout layout;
  layout.dtype = argument.dtype;
  layout.per_member = argument.varies.member;
  layout.samples = argument.samples;
  layout.units = element_count(argument.shape);
  if (layout.per_member) {
    check(member_multiple >= 1 && argument.block >= 1 && member_multiple % argument.block == 0,
          "argument {}: block {} does not divide the member multiple {}", argument.name, argument.block,
          member_multiple);
    layout.block = argument.block;
    layout.members = members;
    layout.padded = (members + member_multiple - 1) / member_multiple * member_multiple;
  }
  checked_product(checked_product(layout.samples, layout.units, argument.name), layout.padded, argument.name);
  return layout;
}

int64_t packed_elements(const ArgumentLayout& layout, int64_t count) {
  return (count + layout.block - 1) / layout.block * layout.block * layout.row();
}

template <typename T>
void pack(const ArgumentLayout& layout, int64_t count, std::span<const T> dense, std::span<T> packed) {
  const int64_t row = layout.row(), block = layout.block;
  check(static_cast<int64_t>(dense.size()) == count * row &&
            static_cast<int64_t>(packed.size()) == packed_elements(layout, count),
        "pack: {} elements into {}", dense.size(), packed.size());
  if (block == 1) {
    std::copy(dense.begin(), dense.end(), packed.begin());
    return;
  }
  for (int64_t first = 0; first < count; first += block) {
    const int64_t inside = std::min(block, count - first);
    T* to = packed.data() + first * row;
    if (inside < block) std::fill(to, to + block * row, T{});
    const T* from = dense.data() + first * row;
    for (int64_t element = 0; element < row; ++element)
      for (int64_t member = 0; member < inside; ++member) to[element * block + member] = from[member * row + element];
  }
}

template <typename T>
void unpack(const ArgumentLayout& layout, int64_t count, std::span<const T> packed, std::span<T> dense) {
  const int64_t row = layout.row(), block = layout.block;
  check(static_cast<int64_t>(dense.size()) == count * row &&
            static_cast<int64_t>(packed.size()) == packed_elements(layout, count),
        "unpack: {} elements into {}", packed.size(), dense.size());
  if (block == 1) {
    std::copy(packed.begin(), packed.end(), dense.begin());
    return;
  }
  for (int64_t first = 0; first < count; first += block) {
    const int64_t inside = std::min(block, count - first);
    const T* from = packed.data() + first * row;
    T* to = dense.data() + first * row;
    for (int64_t element = 0; element < row; ++element)
      for (int64_t member = 0; member < inside; ++member) to[member * row + element] = from[element * block + member];
  }
}

template void pack<float>(const ArgumentLayout&, int64_t, std::span<const float>, std::span<float>);
template void pack<int32_t>(const ArgumentLayout&, int64_t, std::span<const int32_t>, std::span<int32_t>);
template void unpack<float>(const ArgumentLayout&, int64_t, std::span<const float>, std::span<float>);
template void unpack<int32_t>(const ArgumentLayout&, int64_t, std::span<const int32_t>, std::span<int32_t>);

}  // namespace shoal::runtime
