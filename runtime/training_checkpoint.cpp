// Checkpoints of training: all arrays of the population and the history, bit for bit.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include "compiler/support/error.h"
#include "runtime/training.h"

namespace shoal::runtime {
namespace {

constexpr std::string_view heading = "shoal training 1";
constexpr std::string_view array_prefix = "population/";

// The metadata: the heading, then lines of a key, a space and a value.
using Facts = std::map<std::string, std::string>;

std::string facts_text(const Facts& facts) {
  std::string text(heading);
  for (const auto& [key, value] : facts) text += fmt::format("\n{} {}", key, value);
  return text;
}

Facts read_facts(const std::string& text, const std::string& place) {
  if (text.rfind(heading, 0) != 0) throw SpecError(place, "not a checkpoint of a training run");
  Facts facts;
  for (size_t at = text.find('\n'); at != std::string::npos;) {
    const size_t end = text.find('\n', at + 1);
    const std::string line = text.substr(at + 1, end == std::string::npos ? end : end - at - 1);
    const size_t space = line.find(' ');
    facts[line.substr(0, space)] = space == std::string::npos ? "" : line.substr(space + 1);
    at = end;
  }
  return facts;
}

template <typename T>
T number(const Facts& facts, const std::string& key, const std::string& place) {
  const auto found = facts.find(key);
  T value{};
  if (found != facts.end()) {
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size()) return value;
  }
  throw SpecError(place, fmt::format("the checkpoint has no number \"{}\"", key));
}

io::Tensor doubles(std::vector<int64_t> shape, const std::vector<double>& values) {
  io::Tensor tensor{io::ElementType::f64, std::move(shape), {}};
  tensor.bytes.resize(values.size() * sizeof(double));
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

constexpr size_t row_head = 3;  // step, epoch, diverged

io::Tensor history_tensor(const History& history) {
  std::vector<double> values;
  for (const HistoryRow& row : history.rows) {
    values.insert(values.end(), {static_cast<double>(row.step), row.epoch, static_cast<double>(row.diverged)});
    for (const Quantiles& of_one : row.values) values.insert(values.end(), of_one.begin(), of_one.end());
  }
  const size_t width = row_head + history.quantities.size() * quantile_levels.size();
  return doubles({static_cast<int64_t>(history.rows.size()), static_cast<int64_t>(width)}, values);
}

std::vector<HistoryRow> history_rows(const io::Tensor& tensor, size_t quantities, const std::string& place) {
  const size_t width = row_head + quantities * quantile_levels.size();
  if (tensor.type != io::ElementType::f64 || tensor.shape.size() != 2 || tensor.shape[1] != static_cast<int64_t>(width))
    throw SpecError(place, "the checkpoint's history has another form");
  std::vector<double> values(tensor.bytes.size() / sizeof(double));
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  std::vector<HistoryRow> rows;
  for (size_t at = 0; at + width <= values.size(); at += width) {
    HistoryRow row{static_cast<int64_t>(values[at]), values[at + 1], static_cast<int64_t>(values[at + 2]), {}};
    for (size_t q = 0; q < quantities; ++q) {
      Quantiles of_one;
      std::copy_n(values.begin() + static_cast<int64_t>(at + row_head + q * of_one.size()), of_one.size(),
                  of_one.begin());
      row.values.push_back(of_one);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

CheckpointSummary summarize(const io::Checkpoint& checkpoint, const std::string& place) {
  const Facts facts = read_facts(checkpoint.metadata, place);
  const auto text = [&](const std::string& key) {
    const auto found = facts.find(key);
    return found == facts.end() ? std::string() : found->second;
  };
  return {number<int64_t>(facts, "step", place), number<int64_t>(facts, "members", place), text("device"),
          text("schedule")};
}

io::Checkpoint Training::checkpoint() const {
  io::Checkpoint checkpoint;
  checkpoint.metadata = facts_text({
      {"step", fmt::format("{}", step_)},
      {"period_start", fmt::format("{}", period_start_)},
      {"members", fmt::format("{}", settings_.members)},
      {"training_seconds", fmt::format("{}", training_seconds_)},
      {"device", population_.device().name()},
      {"schedule", program_->module().schedule},
      {"fingerprint", fingerprint()},
  });
  for (const std::string& name : population_.names()) {
    const PopulationArray& array = population_.array(name);
    const ArgumentLayout& layout = array.layout();
    const std::vector<int64_t> shape{layout.per_member ? layout.members : 1, layout.row()};
    const std::string full = std::string(array_prefix) + name;
    if (layout.dtype == DType::i32)
      checkpoint.arrays.push_back({full, io::make_tensor(shape, array.read<int32_t>())});
    else
      checkpoint.arrays.push_back({full, io::make_tensor(shape, array.read<float>())});
  }
  checkpoint.arrays.push_back({"history", history_tensor(history_)});
  checkpoint.arrays.push_back({"diverged_at", io::make_tensor({settings_.members}, diverged_at_)});
  for (size_t i = 0; i < last_scores_.names.size(); ++i)
    checkpoint.arrays.push_back(
        {"scores/" + last_scores_.names[i], io::make_tensor({settings_.members}, last_scores_.values[i])});
  return checkpoint;
}

void Training::restore(const io::Checkpoint& checkpoint, const std::string& place) {
  const Facts facts = read_facts(checkpoint.metadata, place);
  const auto found = facts.find("fingerprint");
  if (found == facts.end() || found->second != fingerprint())
    throw SpecError(place, "the checkpoint is of another network, optimizer, population, seed or data set");
  for (const std::string& name : population_.names()) {
    PopulationArray& array = population_.array(name);
    const io::Tensor& tensor = io::array_named(checkpoint.arrays, std::string(array_prefix) + name, place);
    if (tensor.elements() != array.layout().dense_elements())
      throw SpecError(place, fmt::format("array {} has another size", name));
    if (array.layout().dtype == DType::i32)
      array.write<int32_t>(io::to_int32(tensor, place));
    else
      array.write<float>(io::to_float(tensor, place));
  }
  step_ = number<int64_t>(facts, "step", place);
  period_start_ = number<int64_t>(facts, "period_start", place);
  training_seconds_ = number<double>(facts, "training_seconds", place);
  if (step_ > length_.total)
    throw SpecError(place, fmt::format("the checkpoint is at step {}, beyond the {} asked for", step_, length_.total));
  history_.rows = history_rows(io::array_named(checkpoint.arrays, "history", place), history_.quantities.size(), place);
  diverged_at_ = io::to_int32(io::array_named(checkpoint.arrays, "diverged_at", place), place);
  for (size_t i = 0; i < last_scores_.names.size(); ++i)
    last_scores_.values[i] =
        io::to_float(io::array_named(checkpoint.arrays, "scores/" + last_scores_.names[i], place), place);
  for (size_t i = 0; i < settings_.varied.size(); ++i)
    if (population_.has(settings_.varied[i].name))
      varied_[i] = population_.array(settings_.varied[i].name).read<float>();
}

}  // namespace shoal::runtime
