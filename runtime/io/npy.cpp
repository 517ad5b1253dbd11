// The .npy format: sizes are checked in the order magic, header, shape against the bytes left, and only then memory is
// taken.
#include "runtime/io/npy.h"

#include <cstring>

#include "compiler/support/error.h"
#include "runtime/io/atomic_file.h"
#include "runtime/io/file.h"
#include "runtime/io/npy_header.h"

namespace shoal::io {

namespace {

constexpr std::string_view npy_magic = "\x93NUMPY";
constexpr uint64_t largest_header = 64 << 10;  // three short fields; numpy pads to a multiple of 64

// Row-major order of what lies in column-major order.
std::vector<std::byte> from_fortran(const std::vector<std::byte>& columns, const std::vector<int64_t>& shape,
                                    int64_t size) {
  std::vector<std::byte> rows(columns.size());
  std::vector<int64_t> index(shape.size(), 0), stride(shape.size());
  int64_t step = size;
  for (size_t d = 0; d < shape.size(); ++d) {
    stride[d] = step;
    step *= shape[d];
  }
  int64_t from = 0;
  for (int64_t to = 0; to < static_cast<int64_t>(rows.size()); to += size) {
    std::memcpy(rows.data() + to, columns.data() + from, static_cast<size_t>(size));
    for (size_t d = shape.size(); d-- > 0;) {
      from += stride[d];
      if (++index[d] < shape[d]) break;
      from -= stride[d] * shape[d];
      index[d] = 0;
    }
  }
  return rows;
}

void refuse_bad_booleans(const Tensor& tensor, const std::string& place) {
  for (std::byte b : tensor.bytes) {
    if (b > std::byte{1})
      throw SpecError(place, "a boolean array holds a byte other than 0 and 1; the file is damaged");
  }
}

}  // namespace

Tensor read_npy(const ReadBytes& read, uint64_t total, const std::string& place) {
  uint64_t left = total;
  auto take = [&](void* to, uint64_t bytes, const char* what) {
    if (bytes > left) {
      throw SpecError(place, fmt::format("ends inside {}: {} bytes are needed and {} are left; the file is truncated",
                                         what, bytes, left));
    }
    left -= bytes;
    read(to, static_cast<size_t>(bytes));
  };
  unsigned char preamble[8];
  take(preamble, sizeof preamble, "the .npy preamble");
  if (std::memcmp(preamble, npy_magic.data(), npy_magic.size()) != 0) {
    throw SpecError(place,
                    "is no .npy array (its first bytes are not \\x93NUMPY); write it with numpy.save or numpy.savez");
  }
  int version = preamble[6];
  if (version < 1 || version > 3 || preamble[7] != 0) {
    throw SpecError(place,
                    fmt::format("has .npy version {}.{}; versions 1.0, 2.0 and 3.0 are known", version, preamble[7]));
  }
  unsigned char size_bytes[4] = {};
  take(size_bytes, version == 1 ? 2 : 4, "the .npy header's size");
  uint64_t header_size = size_bytes[0] | size_bytes[1] << 8 | size_bytes[2] << 16 | uint64_t{size_bytes[3]} << 24;
  if (header_size > largest_header) {
    throw SpecError(place, fmt::format("declares an .npy header of {} bytes; at most {} are accepted", header_size,
                                       largest_header));
  }
  if (header_size > left) {
    throw SpecError(place, fmt::format("declares an .npy header of {} bytes and has {} left; the file is truncated",
                                       header_size, left));
  }
  std::string text(static_cast<size_t>(header_size), '\0');
  take(text.data(), header_size, "the .npy header");
  NpyHeader header = parse_npy_header(text, place);

  auto bytes = static_cast<uint64_t>(checked_bytes(header.shape, element_bytes(header.type), place));
  if (bytes != left) {
    throw SpecError(place,
                    fmt::format("its header declares {} of shape {}, which is {} bytes, but {} bytes follow; the "
                                "file is damaged or truncated",
                                element_type_name(header.type), shape_text(header.shape), bytes, left));
  }
  Tensor tensor{header.type, header.shape, std::vector<std::byte>(static_cast<size_t>(bytes))};
  if (bytes != 0) take(tensor.bytes.data(), bytes, "the elements");
  if (tensor.type == ElementType::boolean) refuse_bad_booleans(tensor, place);
  if (header.fortran_order && header.shape.size() > 1) {
    tensor.bytes = from_fortran(tensor.bytes, header.shape, element_bytes(header.type));
  }
  return tensor;
}

Tensor read_npy(std::span<const std::byte> file, const std::string& place) {
  size_t at = 0;
  return read_npy(
      [&](void* to, size_t bytes) {
        std::memcpy(to, file.data() + at, bytes);
        at += bytes;
      },
      file.size(), place);
}

Tensor read_npy(const std::filesystem::path& path) {
  InputFile file(path);
  return read_npy([&](void* to, size_t bytes) { file.read(to, bytes); }, file.size(), path.string());
}

std::string npy_header(const Tensor& tensor) {
  std::string shape;
  for (int64_t extent : tensor.shape) shape += std::to_string(extent) + (tensor.shape.size() == 1 ? "," : ", ");
  if (tensor.shape.size() > 1) shape.resize(shape.size() - 2);
  std::string text =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", npy_descr(tensor.type), shape);
  // numpy pads so that the elements start at a multiple of 64 bytes: 10 bytes of preamble, the text, a line feed.
  text.resize((10 + text.size() + 1 + 63) / 64 * 64 - 11, ' ');
  text += '\n';
  check(text.size() < 65536, "an .npy header of {} bytes", text.size());
  std::string out(npy_magic);
  out += {1, 0, static_cast<char>(text.size() & 255), static_cast<char>(text.size() >> 8)};
  return out + text;
}

void write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  AtomicFile file(path);
  file.write(npy_header(tensor));
  file.write(std::span(tensor.bytes));
  file.commit();
}

}  // namespace shoal::io
