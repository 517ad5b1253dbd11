// The grammar of CSV (RFC 4180, and ; or tab for the comma): text to cells and cells to text.
#include "runtime/io/csv.h"

#include <algorithm>
#include <set>

#include "compiler/support/error.h"
#include "runtime/io/atomic_file.h"
#include "runtime/io/csv_number.h"
#include "runtime/io/file.h"

namespace shoal::io {

class CsvParser {
 public:
  CsvParser(std::string text, const std::string& place, const CsvOptions& options) : options_(options) {
    table_.place = place;
    table_.text_ = std::make_unique<const std::string>(std::move(text));
    rest_ = *table_.text_;
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);  // the byte order mark of spreadsheets
    if (rest_.find('\0') != std::string_view::npos) throw SpecError(place, "holds a zero byte; expected a text file");
    delimiter_ = options.delimiter ? options.delimiter : detect_delimiter();
  }

  CsvTable parse() {
    std::vector<std::string_view> row;
    while (next_row(row)) {
      if (table_.columns_ == 0) {
        table_.columns_ = static_cast<int64_t>(row.size());
        if (is_header(row)) {
          take_header(row);
          continue;
        }
      }
      if (static_cast<int64_t>(row.size()) != table_.columns_) {
        throw SpecError(table_.place, fmt::format("line {} has {} cells; the first line has {}", row_line_, row.size(),
                                                  table_.columns_));
      }
      table_.cells_.insert(table_.cells_.end(), row.begin(), row.end());
      table_.lines_.push_back(row_line_);
    }
    if (table_.lines_.empty()) throw SpecError(table_.place, "holds no rows of data");
    return std::move(table_);
  }

 private:
  char detect_delimiter() const {
    std::string_view line = rest_.substr(0, rest_.find('\n'));
    char best = ',';
    int64_t most = 0;
    for (char candidate : {',', ';', '\t'}) {
      bool quoted = false;
      int64_t count = 0;
      for (char c : line) {
        if (c == '"') quoted = !quoted;
        count += c == candidate && !quoted;
      }
      if (count > most) {
        best = candidate;
        most = count;
      }
    }
    return best;
  }

  bool is_header(const std::vector<std::string_view>& row) const {
    switch (options_.header) {
      case CsvOptions::Header::present: return true;
      case CsvOptions::Header::absent: return false;
      case CsvOptions::Header::detect: break;
    }
    // A missing value in the first row is no name, so a row with one is data, and its error is told as such.
    return std::none_of(row.begin(), row.end(),
                        [](std::string_view cell) { return is_missing(cell) || parse_number(cell).has_value(); });
  }

  void take_header(const std::vector<std::string_view>& row) {
    std::set<std::string_view> seen;
    for (std::string_view name : row) {
      if (!seen.insert(name).second) {
        throw SpecError(table_.place, fmt::format("two columns are called '{}'; rename one", name));
      }
      table_.header.emplace_back(name);
    }
  }

  // The cells of the next line that is not blank.
  bool next_row(std::vector<std::string_view>& row) {
    while (!rest_.empty()) {
      row.clear();
      row_line_ = line_;
      bool more = true;
      while (more) {
        row.push_back(next_cell());
        more = !rest_.empty() && rest_[0] == delimiter_;
        if (more) rest_.remove_prefix(1);
      }
      end_line();
      if (row.size() > 1 || !row[0].empty()) return true;
    }
    return false;
  }

  void end_line() {
    if (rest_.starts_with("\r\n")) {
      rest_.remove_prefix(2);
    } else if (!rest_.empty()) {
      rest_.remove_prefix(1);
    }
    ++line_;
  }

  static std::string_view trimmed(std::string_view cell) {
    while (!cell.empty() && (cell.front() == ' ' || cell.front() == '\t')) cell.remove_prefix(1);
    while (!cell.empty() && (cell.back() == ' ' || cell.back() == '\t')) cell.remove_suffix(1);
    return cell;
  }

  std::string_view next_cell() {
    size_t start = 0;
    while (start < rest_.size() && rest_[start] == ' ') ++start;
    if (start < rest_.size() && rest_[start] == '"') {
      rest_.remove_prefix(start);
      return quoted_cell();
    }
    size_t end = 0;
    while (end < rest_.size() && rest_[end] != delimiter_ && rest_[end] != '\n' && rest_[end] != '\r') ++end;
    std::string_view cell = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return trimmed(cell);
  }

  std::string_view quoted_cell() {
    rest_.remove_prefix(1);
    std::string content;
    while (true) {
      size_t quote = rest_.find('"');
      if (quote == std::string_view::npos) {
        throw SpecError(table_.place, fmt::format("the quote in the row of line {} is never closed", row_line_));
      }
      content += rest_.substr(0, quote);
      rest_.remove_prefix(quote + 1);
      if (rest_.empty() || rest_[0] != '"') break;
      content += '"';
      rest_.remove_prefix(1);
    }
    line_ += std::count(content.begin(), content.end(), '\n');
    while (!rest_.empty() && rest_[0] == ' ') rest_.remove_prefix(1);
    if (!rest_.empty() && rest_[0] != delimiter_ && rest_[0] != '\n' && rest_[0] != '\r') {
      throw SpecError(table_.place, fmt::format("line {} has text after a closing quote", line_));
    }
    return table_.unquoted_.emplace_back(std::move(content));
  }

  CsvOptions options_;
  CsvTable table_;
  std::string_view rest_;
  char delimiter_ = ',';
  int64_t line_ = 1, row_line_ = 1;
};

std::string CsvTable::column_text(int64_t column) const {
  if (header.empty()) return fmt::format("column {}", column + 1);
  return fmt::format("column {} ('{}')", column + 1, header[static_cast<size_t>(column)]);
}

CsvTable parse_csv(std::string text, const std::string& place, const CsvOptions& options) {
  return CsvParser(std::move(text), place, options).parse();
}

CsvTable read_csv(const std::filesystem::path& path, const CsvOptions& options) {
  return parse_csv(read_file(path, options.limit), path.string(), options);
}

namespace {

std::string quoted(const std::string& text) {
  if (text.find_first_of(",;\t\"\r\n") == std::string::npos && !text.starts_with(' ') && !text.ends_with(' '))
    return text;
  std::string out = "\"";
  for (char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

struct PrintCell {
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(float value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(const std::string& value) const { return quoted(value); }
};

}  // namespace

std::string csv_text(const std::vector<std::string>& header, const std::vector<std::vector<CsvCell>>& rows) {
  std::string text;
  for (size_t c = 0; c < header.size(); ++c) text.append(c ? "," : "").append(quoted(header[c]));
  text += '\n';
  for (const std::vector<CsvCell>& row : rows) {
    check(row.size() == header.size(), "a row of {} cells for {} columns", row.size(), header.size());
    for (size_t c = 0; c < row.size(); ++c) text.append(c ? "," : "").append(std::visit(PrintCell{}, row[c]));
    text += '\n';
  }
  return text;
}

void write_csv(const std::filesystem::path& path, const std::vector<std::string>& header,
               const std::vector<std::vector<CsvCell>>& rows) {
  write_file(path, csv_text(header, rows));
}

}  // namespace shoal::io
