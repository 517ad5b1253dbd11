// Columns of a CSV table: which ones, as numbers, as class labels.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "compiler/support/error.h"
#include "runtime/io/csv.h"
#include "runtime/io/csv_number.h"

namespace shoal::io {

namespace {

std::string cell_place(const CsvTable& table, int64_t row, int64_t column) {
  return fmt::format("{}, line {}, {}", table.place, table.line(row), table.column_text(column));
}

std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// One end of a range: from the end of the table when negative, clamped as Python does.
std::optional<int64_t> range_end(std::string_view text, int64_t missing, int64_t columns) {
  if (text.empty()) return missing;
  std::optional<int64_t> value = parse_integer(text);
  if (!value) return std::nullopt;
  return std::clamp<int64_t>(*value < 0 ? *value + columns : *value, 0, columns);
}

void select(const CsvTable& table, const std::string& selector, std::vector<int64_t>& into) {
  auto named = std::find(table.header.begin(), table.header.end(), selector);
  if (named != table.header.end()) {
    into.push_back(named - table.header.begin());
    return;
  }
  if (std::optional<int64_t> index = parse_integer(selector)) {
    int64_t column = *index < 0 ? *index + table.columns() : *index;
    if (column < 0 || column >= table.columns()) {
      throw SpecError(table.place,
                      fmt::format("has no column {}; it has {} columns, numbered from 0", selector, table.columns()));
    }
    into.push_back(column);
    return;
  }
  if (size_t colon = selector.find(':'); colon != std::string::npos) {
    std::string_view text = selector;
    std::optional<int64_t> begin = range_end(text.substr(0, colon), 0, table.columns());
    std::optional<int64_t> end = range_end(text.substr(colon + 1), table.columns(), table.columns());
    if (begin && end && *begin < *end) {
      for (int64_t column = *begin; column < *end; ++column) into.push_back(column);
      return;
    }
  }
  std::string names;
  for (const std::string& name : table.header) names += (names.empty() ? "" : ", ") + name;
  throw SpecError(
      table.place,
      fmt::format("has no column '{}'; it has {}", selector,
                  names.empty() ? fmt::format("{} columns without names, numbered from 0", table.columns()) : names));
}

bool equal_ignoring_case(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                    [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x - 'A' + 'a' : x) == y; });
}

}  // namespace

bool is_missing(std::string_view cell) {
  for (std::string_view word : {"", "na", "n/a", "nan", "null", "none", "?"}) {
    if (equal_ignoring_case(cell, word)) return true;
  }
  return false;
}

std::optional<double> parse_number(std::string_view cell) {
  if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
  double value = 0;
  auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (cell.empty() || end != cell.data() + cell.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // from_chars tells neither way: a number too small is as good as zero, one too large is not.
    bool tiny = cell.find("e-") != std::string_view::npos || cell.find("E-") != std::string_view::npos;
    return tiny ? 0.0 : HUGE_VAL;
  }
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::vector<int64_t> select_columns(const CsvTable& table, const std::vector<std::string>& selectors) {
  std::vector<int64_t> columns;
  for (const std::string& selector : selectors) select(table, selector, columns);
  return columns;
}

std::vector<int64_t> other_columns(const CsvTable& table, const std::vector<int64_t>& taken) {
  std::vector<int64_t> columns;
  for (int64_t column = 0; column < table.columns(); ++column) {
    if (std::find(taken.begin(), taken.end(), column) == taken.end()) columns.push_back(column);
  }
  return columns;
}

Tensor numbers(const CsvTable& table, const std::vector<int64_t>& columns) {
  std::vector<float> values;
  values.reserve(static_cast<size_t>(table.rows()) * columns.size());
  for (int64_t row = 0; row < table.rows(); ++row) {
    for (int64_t column : columns) {
      std::string_view cell = table.cell(row, column);
      if (is_missing(cell)) {
        throw SpecError(cell_place(table, row, column),
                        fmt::format("the value is missing ('{}'); fill it in or drop the row", cell));
      }
      std::optional<double> number = parse_number(cell);
      if (!number) {
        throw SpecError(cell_place(table, row, column),
                        fmt::format("expected a number, got '{}'; leave the column out or make it the labels", cell));
      }
      auto value = static_cast<float>(*number);
      if (!std::isfinite(value)) {
        throw SpecError(cell_place(table, row, column),
                        fmt::format("expected a finite number within the range of float32, got '{}'", cell));
      }
      values.push_back(value);
    }
  }
  return make_tensor({table.rows(), static_cast<int64_t>(columns.size())}, std::span<const float>(values));
}

Labels labels(const CsvTable& table, int64_t column) {
  Labels result;
  std::map<std::string, int32_t, std::less<>> classes;
  bool whole = true;
  for (int64_t row = 0; row < table.rows(); ++row) {
    std::string_view cell = table.cell(row, column);
    if (is_missing(cell)) {
      throw SpecError(cell_place(table, row, column),
                      fmt::format("the label is missing ('{}'); fill it in or drop the row", cell));
    }
    std::optional<double> number = parse_number(cell);
    whole = whole && number && *number == std::trunc(*number) && std::fabs(*number) <= 2147483647.0;
    if (classes.find(cell) == classes.end()) classes.emplace(cell, 0);
  }
  for (auto& [name, number] : classes) {
    number = whole ? static_cast<int32_t>(*parse_number(name)) : static_cast<int32_t>(result.classes.size());
    if (!whole) result.classes.push_back(name);
  }
  result.values.reserve(static_cast<size_t>(table.rows()));
  for (int64_t row = 0; row < table.rows(); ++row)
    result.values.push_back(classes.find(table.cell(row, column))->second);
  return result;
}

}  // namespace shoal::io
