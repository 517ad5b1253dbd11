// Quantiles over members, the best of them, and the tables of a run directory.
#include "runtime/training_history.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/support/error.h"
#include "runtime/io/csv.h"

namespace shoal::runtime {

const std::vector<float>* Scores::find(std::string_view name) const {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return &values[i];
  return nullptr;
}

Quantiles quantiles(std::span<const float> values) {
  std::vector<float> finite;
  for (const float value : values)
    if (std::isfinite(value)) finite.push_back(value);
  Quantiles result;
  result.fill(std::numeric_limits<double>::quiet_NaN());
  if (finite.empty()) return result;
  std::sort(finite.begin(), finite.end());
  for (size_t i = 0; i < result.size(); ++i) {
    const double position = quantile_levels[i] * static_cast<double>(finite.size() - 1);
    const auto below = static_cast<size_t>(position);
    const double fraction = position - static_cast<double>(below);
    const double low = finite[below], high = finite[std::min(below + 1, finite.size() - 1)];
    result[i] = low + (high - low) * fraction;
  }
  return result;
}

void write_history(const std::filesystem::path& path, const History& history) {
  std::vector<std::string> header{"step", "epoch", "diverged"};
  for (const std::string& quantity : history.quantities)
    for (const std::string_view name : quantile_names) header.push_back(fmt::format("{}_{}", quantity, name));
  std::vector<std::vector<io::CsvCell>> rows;
  for (const HistoryRow& row : history.rows) {
    std::vector<io::CsvCell> cells{row.step, row.epoch, row.diverged};
    for (const Quantiles& of_one : row.values)
      for (const double value : of_one) cells.emplace_back(static_cast<float>(value));
    rows.push_back(std::move(cells));
  }
  io::write_csv(path, header, rows);
}

void write_members(const std::filesystem::path& path, const MemberTable& table) {
  std::vector<std::string> header{"member"};
  header.insert(header.end(), table.varied.begin(), table.varied.end());
  header.insert(header.end(), table.scores.names.begin(), table.scores.names.end());
  header.emplace_back("diverged_at");
  std::vector<std::vector<io::CsvCell>> rows;
  for (size_t member = 0; member < table.diverged_at.size(); ++member) {
    std::vector<io::CsvCell> cells{table.first_member + static_cast<int64_t>(member)};
    for (const std::vector<float>& values : table.varied_values) cells.emplace_back(values[member]);
    for (const std::vector<float>& values : table.scores.values) cells.emplace_back(values[member]);
    cells.emplace_back(int64_t{table.diverged_at[member]});
    rows.push_back(std::move(cells));
  }
  io::write_csv(path, header, rows);
}

int64_t best_member(const Scores& scores, std::string_view prefix) {
  const std::vector<float>* loss = scores.find(fmt::format("{}loss", prefix));
  const std::vector<float>* accuracy = scores.find(fmt::format("{}accuracy", prefix));
  if (!loss) return -1;
  int64_t best = -1;
  for (size_t member = 0; member < loss->size(); ++member) {
    if (!std::isfinite((*loss)[member]) || (accuracy && !std::isfinite((*accuracy)[member]))) continue;
    const auto holder = static_cast<size_t>(best);
    const bool better =
        best < 0 || (accuracy && (*accuracy)[member] != (*accuracy)[holder] ? (*accuracy)[member] > (*accuracy)[holder]
                                                                            : (*loss)[member] < (*loss)[holder]);
    if (better) best = static_cast<int64_t>(member);
  }
  return best;
}

}  // namespace shoal::runtime
