// Reading of .npz archives through libzip: first the whole directory is checked, then array by array is unpacked.
#include "runtime/io/npz.h"

#include <zip.h>

#include <algorithm>
#include <memory>
#include <set>

#include "compiler/support/error.h"
#include "runtime/io/file.h"
#include "runtime/io/npy.h"

namespace shoal::io {

namespace {

struct DiscardArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};
using Archive = std::unique_ptr<zip_t, DiscardArchive>;
using OpenEntry = std::unique_ptr<zip_file_t, CloseEntry>;

struct Entry {
  std::string name;
  uint64_t index = 0, unpacked = 0;
};

// Deflate cannot shrink by more than this; a higher ratio is a lie about one of the two sizes.
constexpr uint64_t largest_deflate_ratio = 1032;
constexpr uint64_t local_header_bytes = 30;

Archive open_archive(const std::filesystem::path& path) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw SpecError(path.string(), "is no readable .npz archive (" + reason + "); write it with numpy.savez");
  }
  return archive;
}

std::string array_name(const zip_stat_t& info, const std::string& place) {
  std::string name = info.name;
  if (name.size() <= 4 || !name.ends_with(".npy")) {
    throw SpecError(place, fmt::format("holds '{}', which is no .npy array; write the archive with numpy.savez", name));
  }
  return name.substr(0, name.size() - 4);
}

std::vector<Entry> directory(zip_t* archive, uint64_t file_bytes, const NpzLimits& limits, const std::string& place) {
  auto count = static_cast<uint64_t>(std::max<zip_int64_t>(zip_get_num_entries(archive, 0), 0));
  if (count > limits.arrays) {
    throw SpecError(place, fmt::format("declares {} arrays; at most {} are accepted", count, limits.arrays));
  }
  std::vector<Entry> entries;
  std::set<std::string> names;
  uint64_t packed = 0, unpacked = 0;
  for (uint64_t i = 0; i < count; ++i) {
    zip_stat_t info;
    zip_stat_init(&info);
    constexpr zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(archive, i, 0, &info) != 0 || (info.valid & needed) != needed) {
      throw SpecError(place, fmt::format("entry {} of the archive cannot be read; the file is damaged", i));
    }
    std::string name = array_name(info, place);
    if (!names.insert(name).second) {
      throw SpecError(place, fmt::format("holds two arrays called '{}'; write each name once", name));
    }
    if (info.comp_method != ZIP_CM_STORE && info.comp_method != ZIP_CM_DEFLATE) {
      throw SpecError(place,
                      fmt::format("array '{}' is packed with method {}; only stored and deflated arrays are read, "
                                  "as numpy.savez and numpy.savez_compressed write them",
                                  name, info.comp_method));
    }
    bool possible = info.comp_method == ZIP_CM_STORE ? info.size == info.comp_size
                                                     : info.size / largest_deflate_ratio <= info.comp_size;
    // Each sum is compared before it is formed, so that sizes near 2^64 cannot wrap it around.
    uint64_t own = local_header_bytes + name.size() + 4;
    bool inside = info.comp_size <= file_bytes && packed + info.comp_size + own <= file_bytes;
    if (!possible || !inside) {
      throw SpecError(place,
                      fmt::format("array '{}' declares {} bytes packed into {}, which {}; the archive is damaged or "
                                  "made to mislead",
                                  name, info.size, info.comp_size,
                                  possible ? "does not fit in the file or overlaps other arrays" : "cannot be"));
    }
    packed += info.comp_size + own;
    if (info.size > limits.total_bytes - unpacked) {
      throw SpecError(
          place, fmt::format("its arrays up to '{}' unpack to more than the limit of {} bytes; split the file", name,
                             limits.total_bytes));
    }
    unpacked += info.size;
    entries.push_back({name, i, info.size});
  }
  return entries;
}

Tensor read_entry(zip_t* archive, const Entry& entry, const std::string& place) {
  auto damaged = [&](const char* reason) { throw SpecError(place, fmt::format("cannot be unpacked ({})", reason)); };
  OpenEntry file(zip_fopen_index(archive, entry.index, 0));
  if (!file) damaged(zip_error_strerror(zip_get_error(archive)));
  auto read = [&](void* to, size_t bytes) {
    zip_int64_t got = zip_fread(file.get(), to, bytes);
    if (got < 0) damaged(zip_error_strerror(zip_file_get_error(file.get())));
    if (static_cast<size_t>(got) != bytes) damaged("fewer bytes than it declares");
  };
  Tensor tensor = read_npy(read, entry.unpacked, place);
  // libzip compares the checksum where the entry ends, so the end must be asked for.
  char extra;
  zip_int64_t got = zip_fread(file.get(), &extra, 1);
  if (got < 0) damaged(zip_error_strerror(zip_file_get_error(file.get())));
  if (got > 0) damaged("more bytes than it declares");
  return tensor;
}

}  // namespace

std::vector<NamedTensor> read_npz(const std::filesystem::path& path, const NpzLimits& limits) {
  std::string place = path.string();
  uint64_t file_bytes = InputFile(path).size();
  Archive archive = open_archive(path);
  std::vector<NamedTensor> arrays;
  for (const Entry& entry : directory(archive.get(), file_bytes, limits, place)) {
    arrays.push_back({entry.name, read_entry(archive.get(), entry, fmt::format("{}, array '{}'", place, entry.name))});
  }
  return arrays;
}

const Tensor& array_named(const std::vector<NamedTensor>& arrays, std::string_view name, const std::string& place) {
  std::string names;
  for (const NamedTensor& array : arrays) {
    if (array.name == name) return array.tensor;
    names += (names.empty() ? "" : ", ") + array.name;
  }
  throw SpecError(place, fmt::format("holds no array '{}'; it holds {}", name, names.empty() ? "none" : names));
}

}  // namespace shoal::io
