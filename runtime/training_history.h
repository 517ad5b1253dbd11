// History: what a population's losses and metrics were as training went on, as quantiles over its members.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::runtime {

// One number for each member, for each of some quantities ("loss", "accuracy").
struct Scores {
  std::vector<std::string> names;
  std::vector<std::vector<float>> values;                       // [name][member]
  const std::vector<float>* find(std::string_view name) const;  // nullptr when there is none
};

constexpr std::array<double, 7> quantile_levels{0, 0.05, 0.25, 0.5, 0.75, 0.95, 1};
constexpr std::array<std::string_view, 7> quantile_names{"min", "q05", "q25", "median", "q75", "q95", "max"};
using Quantiles = std::array<double, 7>;

// Of the finite values, interpolated linearly between neighbours; NaN when there is none.
Quantiles quantiles(std::span<const float>);

struct HistoryRow {
  int64_t step = 0;
  double epoch = 0;
  int64_t diverged = 0;           // members, so far
  std::vector<Quantiles> values;  // of each quantity
};

struct History {
  std::vector<std::string> quantities;  // "train_loss", "train_accuracy", "validation_loss", ...
  std::vector<HistoryRow> rows;
};

// Columns step, epoch, diverged, then <quantity>_<quantile>.
void write_history(const std::filesystem::path&, const History&);

// Columns member, the varied hyperparameters, the scores, diverged_at (the step of the report that found the loss not
// finite; -1: never).
struct MemberTable {
  int64_t first_member = 0;
  std::vector<std::string> varied;
  std::vector<std::vector<float>> varied_values;  // [hyperparameter][member]
  Scores scores;
  std::vector<int32_t> diverged_at;
};
void write_members(const std::filesystem::path&, const MemberTable&);

// The member with the highest accuracy if that is among the scores (of these the one with the lowest loss), else with
// the lowest loss; `prefix` "validation_" or "train_" chooses the scores. -1 when no member has finite ones.
int64_t best_member(const Scores&, std::string_view prefix);

}  // namespace shoal::runtime
