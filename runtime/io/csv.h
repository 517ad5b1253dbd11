// Tables of comma-separated values: data to train on, and the histories that training writes.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/io/tensor.h"

namespace shoal::io {

struct CsvOptions {
  char delimiter = 0;  // 0: the one of , ; and tab that the first line has most of
  enum class Header : uint8_t { detect, present, absent } header = Header::detect;  // detect: no cell is a number
  uint64_t limit = uint64_t{1} << 30;                                               // bytes of a file
};

// A table as text. Every row has the same number of cells.
class CsvTable {
 public:
  std::string place;                // file name, for messages
  std::vector<std::string> header;  // column names; empty without a header row
  int64_t rows() const { return static_cast<int64_t>(lines_.size()); }
  int64_t columns() const { return columns_; }
  std::string_view cell(int64_t row, int64_t column) const {
    return cells_[static_cast<size_t>(row * columns_ + column)];
  }
  int64_t line(int64_t row) const { return lines_[static_cast<size_t>(row)]; }  // in the file, from 1
  std::string column_text(int64_t column) const;  // "column 3 ('width')"; counts from 1 as people do

 private:
  friend class CsvParser;
  std::unique_ptr<const std::string> text_;  // the cells look into it, or into unquoted_
  std::deque<std::string> unquoted_;
  std::vector<std::string_view> cells_;
  std::vector<int64_t> lines_;
  int64_t columns_ = 0;
};

CsvTable parse_csv(std::string text, const std::string& place, const CsvOptions& = {});
CsvTable read_csv(const std::filesystem::path&, const CsvOptions& = {});

// Columns by selectors: a column's name; or its index from 0 (from the end when negative); or a range "2:5" of indices
// without its end, either side of which may be missing (":-1"). SpecError for what no column answers to.
std::vector<int64_t> select_columns(const CsvTable&, const std::vector<std::string>& selectors);
std::vector<int64_t> other_columns(const CsvTable&, const std::vector<int64_t>& taken);

// The columns as f32 [rows, columns]. A missing value, a word or a number that is not finite is a SpecError that names
// its line and column.
Tensor numbers(const CsvTable&, const std::vector<int64_t>& columns);

struct Labels {
  std::vector<int32_t> values;       // one a row
  std::vector<std::string> classes;  // names of 0, 1, ... in sorted order; empty when the column holds class numbers
};

// A column as class numbers: whole numbers stay what they are, otherwise the different texts are numbered in sorted
// order.
Labels labels(const CsvTable&, int64_t column);

// A cell to write: floats print the shortest digits that read back as the same number.
using CsvCell = std::variant<int64_t, float, double, std::string>;
std::string csv_text(const std::vector<std::string>& header, const std::vector<std::vector<CsvCell>>& rows);
void write_csv(const std::filesystem::path&, const std::vector<std::string>& header,
               const std::vector<std::vector<CsvCell>>& rows);  // atomically

}  // namespace shoal::io
