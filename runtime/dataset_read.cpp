// Data files to raw arrays: archives of arrays, single arrays, tables.
#include <filesystem>
#include <utility>

#include "compiler/support/error.h"
#include "runtime/dataset.h"
#include "runtime/io/csv.h"
#include "runtime/io/npy.h"

namespace shoal::runtime {
namespace {

const std::string& single(const std::vector<std::string>& names, const std::string& otherwise,
                          const std::string& file) {
  if (names.empty()) return otherwise;
  if (names.size() > 1)
    throw SpecError(file, fmt::format("expected the name of one array, got {} names", names.size()));
  return names.front();
}

RawData read_archive(const DataSource& source) {
  std::vector<io::NamedTensor> arrays = io::read_npz(source.file);
  RawData raw{source.file, {}, {}, {}};
  raw.x = io::array_named(arrays, single(source.x, "x", source.file), source.file);
  if (source.with_y) raw.y = io::array_named(arrays, single(source.y, "y", source.file), source.file);
  return raw;
}

RawData read_table(const DataSource& source) {
  const io::CsvTable table = io::read_csv(source.file);
  RawData raw{source.file, {}, {}, {}};
  std::vector<int64_t> y, x;
  if (!source.y.empty())
    y = io::select_columns(table, source.y);
  else if (source.with_y)
    y = io::select_columns(table, {"-1"});
  x = source.x.empty() ? io::other_columns(table, y) : io::select_columns(table, source.x);
  raw.x = io::numbers(table, x);
  if (!source.with_y) return raw;
  if (source.labels) {
    if (y.size() != 1)
      throw SpecError(source.file, fmt::format("expected one column of labels, got {} columns", y.size()));
    io::Labels labels = io::labels(table, y.front());
    raw.y = io::make_tensor({static_cast<int64_t>(labels.values.size())}, labels.values);
    raw.classes = std::move(labels.classes);
  } else {
    raw.y = io::numbers(table, y);
  }
  return raw;
}

}  // namespace

RawData read_data(const DataSource& source) {
  const std::string extension = std::filesystem::path(source.file).extension().string();
  if (extension == ".npz") return read_archive(source);
  if (extension == ".csv" || extension == ".tsv" || extension == ".txt") return read_table(source);
  if (extension == ".npy") {
    if (source.with_y)
      throw SpecError(source.file, "an .npy file holds one array; expected x and y in an .npz or .csv file");
    return {source.file, io::read_npy(source.file), {}, {}};
  }
  throw SpecError(source.file, "expected a file that ends in .npz, .npy or .csv");
}

}  // namespace shoal::runtime
