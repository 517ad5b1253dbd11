// Transfers between the user's arrays and a device buffer, a bounded number of members at a time.
#include "runtime/population_array.h"

#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>

#include "compiler/support/error.h"
#include "compiler/support/half.h"
#include "runtime/reference/host_buffer.h"

namespace shoal::runtime {
namespace {

constexpr int64_t chunk_elements = int64_t{4} << 20;  // 16 MiB of host memory a transfer

// From and to the bytes of elements as they are stored.
template <typename T>
void write_stored(DeviceBuffer& buffer, DType stored, int64_t first, const std::vector<T>& values) {
  const auto count = static_cast<int64_t>(values.size());
  if (value_dtype(stored) == stored) return buffer.write(values.data(), count * 4, first * 4);
  if constexpr (std::is_same_v<T, float>) {
    std::vector<uint16_t> halves(values.size());
    std::transform(values.begin(), values.end(), halves.begin(), stored == DType::f16 ? to_f16 : to_bf16);
    return buffer.write(halves.data(), count * 2, first * 2);
  }
  throw InternalError("internal error: integers are written to an array of floats");
}

template <typename T>
void read_stored(const DeviceBuffer& buffer, DType stored, int64_t first, std::vector<T>& values) {
  const auto count = static_cast<int64_t>(values.size());
  if (value_dtype(stored) == stored) return buffer.read(values.data(), count * 4, first * 4);
  if constexpr (std::is_same_v<T, float>) {
    std::vector<uint16_t> halves(values.size());
    buffer.read(halves.data(), count * 2, first * 2);
    std::transform(halves.begin(), halves.end(), values.begin(), stored == DType::f16 ? from_f16 : from_bf16);
    return;
  }
  throw InternalError("internal error: integers are read from an array of floats");
}

}  // namespace

PopulationArray::PopulationArray(Device& device, std::string name, const ArgumentLayout& layout)
    : name_(std::move(name)), layout_(layout), buffer_(device.allocate(layout.bytes())) {}

PopulationArray::PopulationArray(std::string name, const ArgumentLayout& layout)
    : name_(std::move(name)), layout_(layout), on_host_(true), buffer_(std::make_unique<HostBuffer>(layout.bytes())) {}

void PopulationArray::move_to_host() {
  if (on_host_) return;
  auto host = std::make_unique<HostBuffer>(layout_.bytes());
  buffer_->read(host->data(), layout_.bytes());
  buffer_ = std::move(host);
  on_host_ = true;
}

int64_t PopulationArray::chunk_members() const {
  const int64_t blocks = std::max<int64_t>(1, chunk_elements / std::max<int64_t>(1, layout_.row() * layout_.block));
  return blocks * layout_.block;
}

template <typename T>
void PopulationArray::write_members(int64_t first, std::span<const T> dense) {
  const int64_t row = std::max<int64_t>(1, layout_.row());
  const auto count = static_cast<int64_t>(dense.size()) / row;
  check(first % layout_.block == 0 && first + count <= layout_.padded, "array {}: members {} to {} of {}", name_, first,
        first + count, layout_.members);
  std::vector<T> packed(static_cast<size_t>(packed_elements(layout_, count)));
  pack<T>(layout_, count, dense, packed);
  write_stored(*buffer_, layout_.dtype, first * row, packed);
}

template <typename T>
std::vector<T> PopulationArray::read_members(int64_t first, int64_t count) const {
  check(first % layout_.block == 0 && first + count <= layout_.padded, "array {}: members {} to {} of {}", name_, first,
        first + count, layout_.members);
  std::vector<T> packed(static_cast<size_t>(packed_elements(layout_, count)));
  read_stored(*buffer_, layout_.dtype, first * layout_.row(), packed);
  std::vector<T> dense(static_cast<size_t>(count * layout_.row()));
  unpack<T>(layout_, count, packed, dense);
  return dense;
}

template <typename T>
void PopulationArray::write(std::span<const T> dense) {
  check(static_cast<int64_t>(dense.size()) == layout_.dense_elements(), "array {}: {} elements, expected {}", name_,
        dense.size(), layout_.dense_elements());
  const int64_t members = layout_.per_member ? layout_.members : 1, chunk = chunk_members();
  for (int64_t first = 0; first < members; first += chunk) {
    const int64_t count = std::min(chunk, members - first);
    write_members<T>(
        first, dense.subspan(static_cast<size_t>(first * layout_.row()), static_cast<size_t>(count * layout_.row())));
  }
}

template <typename T>
std::vector<T> PopulationArray::read() const {
  std::vector<T> dense;
  dense.reserve(static_cast<size_t>(layout_.dense_elements()));
  const int64_t members = layout_.per_member ? layout_.members : 1, chunk = chunk_members();
  for (int64_t first = 0; first < members; first += chunk) {
    const std::vector<T> part = read_members<T>(first, std::min(chunk, members - first));
    dense.insert(dense.end(), part.begin(), part.end());
  }
  return dense;
}

void PopulationArray::write_zeros() {
  const std::vector<char> zeros(static_cast<size_t>(std::min(layout_.bytes(), chunk_elements * 4)), 0);
  const auto piece = static_cast<int64_t>(zeros.size());
  for (int64_t at = 0; at < layout_.bytes(); at += piece)
    buffer_->write(zeros.data(), std::min(layout_.bytes() - at, piece), at);
}

void PopulationArray::write_zeros(std::span<const int64_t> members) {
  std::map<int64_t, std::vector<int64_t>> places;  // by block: which of its members
  for (const int64_t member : members) {
    check(layout_.per_member && member >= 0 && member < layout_.members, "array {}: member {} of {}", name_, member,
          layout_.members);
    places[member / layout_.block].push_back(member % layout_.block);
  }
  const int64_t bytes = dtype_bytes(layout_.dtype), block_bytes = layout_.row() * layout_.block * bytes;
  std::vector<char> block(static_cast<size_t>(block_bytes));
  for (const auto& [number, members_of_block] : places) {
    buffer_->read(block.data(), block_bytes, number * block_bytes);
    for (const int64_t place : members_of_block)
      for (int64_t e = 0; e < layout_.row(); ++e)
        std::fill_n(block.begin() + (e * layout_.block + place) * bytes, bytes, char{0});
    buffer_->write(block.data(), block_bytes, number * block_bytes);
  }
}

template void PopulationArray::write_members<float>(int64_t, std::span<const float>);
template void PopulationArray::write_members<int32_t>(int64_t, std::span<const int32_t>);
template std::vector<float> PopulationArray::read_members<float>(int64_t, int64_t) const;
template std::vector<int32_t> PopulationArray::read_members<int32_t>(int64_t, int64_t) const;
template void PopulationArray::write<float>(std::span<const float>);
template void PopulationArray::write<int32_t>(std::span<const int32_t>);
template std::vector<float> PopulationArray::read<float>() const;
template std::vector<int32_t> PopulationArray::read<int32_t>() const;

}  // namespace shoal::runtime
