// Fields: checking and storing values, printing them as JSON, and finding near names for messages.
#include "compiler/ops/field.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "compiler/ops/op.h"

namespace shoal {

namespace {

std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
  return json + "\"";
}

std::string list_text(const std::vector<int64_t>& list) { return fmt::format("[{}]", fmt::join(list, ",")); }

bool within(const Limits& limits, double value) {
  if (!std::isfinite(value)) return false;
  if (limits.low_open ? value <= limits.low : value < limits.low) return false;
  return limits.high_open ? value < limits.high : value <= limits.high;
}

// A cap that only guards against absurd sizes is left out of messages unless it is what was exceeded.
constexpr double guard = 1 << 20;

std::string kind_within(const Limits& limits, const char* noun, bool integer, bool with_guard) {
  const char* article = integer ? "an" : "a";
  const bool capped = std::isfinite(limits.high) && (limits.high < guard || with_guard);
  const bool from_one =
      integer ? limits.low == 1 || (limits.low == 0 && limits.low_open) : limits.low == 0 && limits.low_open;
  if (from_one) {
    return fmt::format("a positive {}{}", noun, capped ? fmt::format(" up to {}", limits.high) : "");
  }
  if (limits.low == 0 && !capped) return fmt::format("a non-negative {}", noun);
  if (!std::isfinite(limits.low) && !capped) return fmt::format("{} {}", article, noun);
  if (!std::isfinite(limits.low))
    return fmt::format("{} {} {} {}", article, noun, limits.high_open ? "below" : "up to", limits.high);
  if (!capped) return fmt::format("{} {} {} {}", article, noun, limits.low_open ? "above" : "from", limits.low);
  return fmt::format("{} {} in {}{}, {}{}", article, noun, limits.low_open ? "(" : "[", limits.low, limits.high,
                     limits.high_open ? ")" : "]");
}

std::string expected_text(const FieldInfo& field, bool with_guard) {
  switch (field.type) {
    case FieldType::number: return kind_within(field.limits, "number", false, with_guard);
    case FieldType::integer: return kind_within(field.limits, "integer", true, with_guard);
    case FieldType::boolean: return "true or false";
    case FieldType::text: {
      if (field.choices.empty()) return "a text";
      std::vector<std::string> choices;
      for (const std::string& choice : field.choices) choices.push_back(quoted(choice));
      return fmt::format("one of {}", fmt::join(choices, ", "));
    }
    case FieldType::pair: return kind_within(field.limits, "integer", true, with_guard) + " or a list of two";
    case FieldType::list: return "a list, each " + kind_within(field.limits, "integer", true, with_guard);
    case FieldType::initializer: return "an initializer";
  }
  return "";
}

Problem refuse(const FieldInfo& field, const FieldValue& value, bool with_guard = false) {
  return fmt::format("expected {}, got {}", expected_text(field, with_guard), field_value_text(value));
}

// The integer in `value`, if it is one: 3 and 3.0 are.
std::optional<int64_t> whole(const FieldValue& value) {
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const double* number = std::get_if<double>(&value)) {
    if (std::abs(*number) < 9e15 && *number == std::floor(*number)) return static_cast<int64_t>(*number);
  }
  return std::nullopt;
}

// Insertions, deletions, replacements and swaps of neighbours that turn a into b.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      cost[i][j] =
          std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string_view field_type_name(FieldType type) {
  switch (type) {
    case FieldType::number: return "number";
    case FieldType::integer: return "integer";
    case FieldType::boolean: return "boolean";
    case FieldType::text: return "text";
    case FieldType::pair: return "pair";
    case FieldType::list: return "list";
    case FieldType::initializer: return "initializer";
  }
  return "";
}

void FieldInfo::set_choices(std::string_view separated) {
  choices.clear();
  while (!separated.empty()) {
    const size_t end = std::min(separated.find('|'), separated.size());
    choices.emplace_back(separated.substr(0, end));
    separated.remove_prefix(std::min(end + 1, separated.size()));
  }
}

std::string FieldInfo::expected() const { return expected_text(*this, false); }

std::string field_value_text(const FieldValue& value) {
  struct Printer {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(const std::string& v) const { return quoted(v); }
    std::string operator()(const std::vector<int64_t>& v) const { return list_text(v); }
    std::string operator()(const InitializerRef& v) const { return v ? v->text() : "null"; }
  };
  return std::visit(Printer{}, value);
}

std::string nearest_name(std::string_view wanted, const std::vector<std::string>& names) {
  std::string nearest;
  size_t best = std::max<size_t>(wanted.size() / 3, 1) + 1;  // a third of the letters may be wrong
  if (wanted.size() > 64) return nearest;                    // no name is that long
  for (const std::string& name : names) {
    const bool begins =
        wanted.size() >= 3 && name.size() > wanted.size() && name.compare(0, wanted.size(), wanted) == 0;
    const size_t distance = begins ? 1 : edit_distance(wanted, name);
    if (distance < best) {
      best = distance;
      nearest = name;
    }
  }
  return nearest;
}

Problem assign_field(const FieldInfo& field, const FieldValue& value, double* member) {
  double number = 0;
  if (const double* d = std::get_if<double>(&value)) {
    number = *d;
  } else if (const int64_t* i = std::get_if<int64_t>(&value)) {
    number = static_cast<double>(*i);
  } else {
    return refuse(field, value);
  }
  if (!within(field.limits, number)) return refuse(field, value);
  *member = number;
  return std::nullopt;
}

Problem assign_field(const FieldInfo& field, const FieldValue& value, int64_t* member) {
  const auto integer = whole(value);
  if (!integer) return refuse(field, value);
  const auto number = static_cast<double>(*integer);
  if (!within(field.limits, number)) return refuse(field, value, number > field.limits.high);
  *member = *integer;
  return std::nullopt;
}

Problem assign_field(const FieldInfo& field, const FieldValue& value, bool* member) {
  const bool* flag = std::get_if<bool>(&value);
  if (!flag) return refuse(field, value);
  *member = *flag;
  return std::nullopt;
}

Problem assign_field(const FieldInfo& field, const FieldValue& value, std::string* member) {
  const std::string* text = std::get_if<std::string>(&value);
  if (!text) return refuse(field, value);
  const auto& choices = field.choices;
  if (!choices.empty() && std::find(choices.begin(), choices.end(), *text) == choices.end())
    return refuse(field, value);
  *member = *text;
  return std::nullopt;
}

Problem assign_field(const FieldInfo& field, const FieldValue& value, std::array<int64_t, 2>* member) {
  std::vector<int64_t> pair;
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
    pair = *list;
  } else if (const auto integer = whole(value)) {
    pair = {*integer, *integer};
  }
  if (pair.size() != 2) return refuse(field, value);
  for (const int64_t i : pair) {
    const auto number = static_cast<double>(i);
    if (!within(field.limits, number)) return refuse(field, value, number > field.limits.high);
  }
  *member = {pair[0], pair[1]};
  return std::nullopt;
}

Problem assign_field(const FieldInfo& field, const FieldValue& value, std::vector<int64_t>* member) {
  const auto* list = std::get_if<std::vector<int64_t>>(&value);
  if (!list) return refuse(field, value);
  for (const int64_t i : *list) {
    const auto number = static_cast<double>(i);
    if (!within(field.limits, number)) return refuse(field, value, number > field.limits.high);
  }
  *member = *list;
  return std::nullopt;
}

Problem assign_field(const FieldInfo& field, const FieldValue& value, InitializerRef* member) {
  const InitializerRef* initializer = std::get_if<InitializerRef>(&value);
  if (!initializer || !*initializer) return refuse(field, value);
  *member = *initializer;
  return std::nullopt;
}

FieldValue read_field(double v) { return v; }
FieldValue read_field(int64_t v) { return v; }
FieldValue read_field(bool v) { return v; }
FieldValue read_field(const std::string& v) { return v; }
FieldValue read_field(const std::array<int64_t, 2>& v) { return std::vector<int64_t>{v[0], v[1]}; }
FieldValue read_field(const std::vector<int64_t>& v) { return v; }
FieldValue read_field(const InitializerRef& v) { return v; }

}  // namespace shoal
