// The .npy format of numpy, versions 1 to 3: a strict reader and a writer.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "runtime/io/tensor.h"

namespace shoal::io {

// Gives the next `bytes` bytes of an .npy stream; throws when there are fewer.
using ReadBytes = std::function<void(void* to, size_t bytes)>;

// Reads one array from a stream of `total` bytes, none of which is trusted: the header must describe exactly the bytes
// that follow it, and nothing is allocated before that is checked. `place` opens the messages of SpecError.
Tensor read_npy(const ReadBytes&, uint64_t total, const std::string& place);

Tensor read_npy(std::span<const std::byte> file, const std::string& place);
Tensor read_npy(const std::filesystem::path&);  // throws RuntimeError when the file cannot be opened or read

std::string npy_header(const Tensor&);                        // version 1; the bytes of the tensor follow it
void write_npy(const std::filesystem::path&, const Tensor&);  // atomically

}  // namespace shoal::io
