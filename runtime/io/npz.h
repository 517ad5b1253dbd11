// The .npz format of numpy: a zip archive of .npy arrays. Reader with caps on everything that the archive declares;
// writer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/io/tensor.h"

namespace shoal::io {

struct NamedTensor {
  std::string name;  // without ".npy"
  Tensor tensor;
};

// What an archive may declare before any memory is taken.
struct NpzLimits {
  uint64_t total_bytes = uint64_t{8} << 30;  // of all arrays, unpacked
  uint64_t arrays = 65536;
};

// All arrays in the order of the archive. SpecError, opened by the file and the array, for whatever is damaged,
// doubtful or beyond the limits; RuntimeError when the file cannot be opened.
std::vector<NamedTensor> read_npz(const std::filesystem::path&, const NpzLimits& = {});

// The array called `name`; a SpecError at `place` that lists the arrays when there is none.
const Tensor& array_named(const std::vector<NamedTensor>&, std::string_view name, const std::string& place);

// Writes the archive atomically: uncompressed, and the same bytes for the same arrays at any time and place.
void write_npz(const std::filesystem::path&, const std::vector<NamedTensor>&);

}  // namespace shoal::io
