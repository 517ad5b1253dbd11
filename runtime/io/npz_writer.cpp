// Writing of .npz archives: uncompressed, and nothing in them that depends on the time, the zone or the machine.
#include <zip.h>

#include <deque>
#include <set>

#include "compiler/support/error.h"
#include "runtime/io/atomic_file.h"
#include "runtime/io/npy.h"
#include "runtime/io/npz.h"

namespace shoal::io {

namespace {

// An archive under construction; discarded, with its temporary file, unless finish() succeeds.
class NewArchive {
 public:
  explicit NewArchive(const std::filesystem::path& target)
      : name_(target.string()), temporary_(temporary_beside(target)) {
    int code = 0;
    archive_ = zip_open(temporary_.c_str(), ZIP_CREATE | ZIP_EXCL, &code);
    if (!archive_) {
      zip_error_t error;
      zip_error_init_with_code(&error, code);
      std::string reason = zip_error_strerror(&error);
      zip_error_fini(&error);
      throw RuntimeError(fmt::format("{}: cannot be written: {}", name_, reason));
    }
  }
  ~NewArchive() {
    if (archive_) zip_discard(archive_);
  }
  NewArchive(const NewArchive&) = delete;
  NewArchive& operator=(const NewArchive&) = delete;

  // `header` and `tensor` must live until finish().
  void add(const std::string& name, const std::string& header, const Tensor& tensor) {
    zip_buffer_fragment_t parts[2];
    // libzip takes the fragments as mutable but only reads them when it does not own them.
    parts[0] = {reinterpret_cast<zip_uint8_t*>(const_cast<char*>(header.data())), header.size()};
    parts[1] = {reinterpret_cast<zip_uint8_t*>(const_cast<std::byte*>(tensor.bytes.data())), tensor.bytes.size()};
    zip_source_t* source = zip_source_buffer_fragment(archive_, parts, tensor.bytes.empty() ? 1 : 2, 0);
    if (!source) fail();
    zip_int64_t index = zip_file_add(archive_, (name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      fail();
    }
    auto entry = static_cast<zip_uint64_t>(index);
    constexpr zip_uint16_t midnight = 0, first_of_january_1980 = 1 << 5 | 1;
    if (zip_set_file_compression(archive_, entry, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive_, entry, midnight, first_of_january_1980, 0) != 0) {
      fail();
    }
  }

  std::filesystem::path finish() {
    if (zip_close(archive_) != 0) fail();
    archive_ = nullptr;
    return temporary_;
  }

 private:
  [[noreturn]] void fail() {
    throw RuntimeError(fmt::format("{}: cannot be written: {}", name_, zip_error_strerror(zip_get_error(archive_))));
  }

  std::string name_;
  std::filesystem::path temporary_;
  zip_t* archive_ = nullptr;
};

}  // namespace

void write_npz(const std::filesystem::path& path, const std::vector<NamedTensor>& arrays) {
  std::set<std::string> names;
  for (const NamedTensor& array : arrays) {
    if (array.name.empty() || array.name.find('\0') != std::string::npos || !names.insert(array.name).second) {
      throw SpecError(path.string(), fmt::format("cannot hold an empty or repeated array name ('{}')", array.name));
    }
  }
  if (arrays.empty()) throw SpecError(path.string(), "an archive needs at least one array");
  NewArchive archive(path);
  std::deque<std::string> headers;  // a deque, because libzip keeps pointers to them
  for (const NamedTensor& array : arrays)
    archive.add(array.name, headers.emplace_back(npy_header(array.tensor)), array.tensor);
  commit_temporary(archive.finish(), path);
}

}  // namespace shoal::io
