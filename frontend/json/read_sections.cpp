// Reads the sections about training, the population and the data.
#include "frontend/json/read_sections.h"

#include <algorithm>

#include "frontend/json/sections.h"

namespace shoal::json {

namespace {

constexpr size_t most_varied = 64;

// Sets the fields of `table` that the object has.
template <typename T, typename Table>
void read_section(const Cursor& at, const Table& table, T& section) {
  each_section_field<T>(table, [&](const auto& f, const FieldInfo& info) {
    const auto value = find(at, f.name);
    if (!value) return;
    if (const Problem problem = assign_field(info, scalar_field_value(*value, info), &(section.*f.member))) {
      fail(*value, *problem);
    }
  });
}

template <typename T, typename Table>
std::vector<std::string> table_names(const Table& table) {
  std::vector<std::string> names;
  each_section_field<T>(table, [&](const auto&, const FieldInfo& info) { names.push_back(info.name); });
  return names;
}

// The field that "optimizer.lr" names.
FieldInfo varied_field(const Cursor& at, const std::string& name, const Model& model) {
  std::vector<std::string> known;
  for (const auto& [prefix, op] : {std::pair<std::string, const Op*>{"optimizer", model.optimizer.get()},
                                   std::pair<std::string, const Op*>{"loss", model.loss.get()}}) {
    if (!op) continue;
    for (const FieldInfo& field : op->info().fields) {
      if (!field.limits.may_vary) continue;
      known.push_back(prefix + "." + field.name);
      if (known.back() == name) return field;
    }
  }
  if (known.empty()) fail(at, "nothing can vary: the spec has no optimizer and no loss with numbers");
  fail(at, "no hyperparameter has this name" + suggestion(name, known));
}

Vary read_vary(const Cursor& at, const std::string& name, const Model& model) {
  const FieldInfo field = varied_field(at, name, model);
  const std::string expected = "an object with one of log_uniform, uniform, choice, grid, list as key";
  if (!at->is(Json::Kind::object) || at->keys.size() != 1) fail_expected(at, expected);
  check_keys(at, expected, key_names(vary_kinds));
  Vary vary;
  vary.name = name;
  for (const Vary::Kind kind :
       {Vary::Kind::log_uniform, Vary::Kind::uniform, Vary::Kind::choice, Vary::Kind::grid, Vary::Kind::list}) {
    if (vary_kind_name(kind) == at->keys[0]) vary.kind = kind;
  }
  const Cursor values = at.item(0);
  const bool range = vary.kind == Vary::Kind::log_uniform || vary.kind == Vary::Kind::uniform;
  if (!values->is(Json::Kind::list) || values->items.empty() || (range && values->items.size() != 2)) {
    fail_expected(values, range ? "[low, high]" : "a list of one or more numbers");
  }
  for (size_t i = 0; i < values->items.size(); ++i) {
    double value = 0;
    if (const Problem problem = assign_field(field, scalar_field_value(values.item(i), field), &value)) {
      fail(values.item(i), *problem);
    }
    vary.values.push_back(value);
  }
  if (vary.kind == Vary::Kind::log_uniform && vary.values[0] <= 0) fail_expected(values.item(0), "a positive number");
  if (range && vary.values[0] > vary.values[1]) {
    fail(values, fmt::format("expected low <= high, got {} and {}", vary.values[0], vary.values[1]));
  }
  return vary;
}

// Lists fix the number of members, grids ask for at least one member of each combination.
void settle_members(const Cursor& at, const std::optional<Cursor>& given, Population& population) {
  std::optional<int64_t> listed;
  int64_t combinations = 1;
  for (const Vary& vary : population.vary) {
    const auto count = static_cast<int64_t>(vary.values.size());
    const Cursor place{nullptr, pointer_child(pointer_child(at.pointer, "vary"), vary.name)};
    if (vary.kind == Vary::Kind::list) {
      const int64_t wanted = given ? population.members : listed.value_or(count);
      if (count != wanted) fail(place, fmt::format("expected {} values, one for each member, got {}", wanted, count));
      listed = count;
    } else if (vary.kind == Vary::Kind::grid) {
      combinations *= count;
      if (static_cast<double>(combinations) > most_members) fail(place, "the grids have too many combinations");
    }
  }
  if (!given) population.members = listed.value_or(combinations);
  if (combinations > population.members) {
    const std::string place = given ? given->place() : at.place();
    throw SpecError(place, fmt::format("expected at least {} members, one for each combination of the grids, got {}",
                                       combinations, population.members));
  }
}

// A name or an index, or a list of them.
std::vector<std::string> read_columns(const Cursor& at) {
  const std::string expected = "the name of an array or column, an index, a range \"2:5\", or a list of these";
  const auto one = [&](const Cursor& item) {
    if (item->is(Json::Kind::integer)) return fmt::format("{}", item->integer);
    return read_text(item, expected);
  };
  if (!at->is(Json::Kind::list)) return {one(at)};
  if (at->items.empty()) fail_expected(at, expected);
  std::vector<std::string> columns;
  for (size_t i = 0; i < at->items.size(); ++i) columns.push_back(one(at.item(i)));
  return columns;
}

Validation read_validation(const Cursor& at) {
  const std::string expected = "a fraction in [0, 1) or an object with \"file\", \"x\", \"y\"";
  Validation validation;
  if (at->is(Json::Kind::object)) {
    check_keys(at, expected, {"file", "x", "y"});
    if (at->keys.empty()) fail_expected(at, "\"file\", or other \"x\" and \"y\" of the same file");
    if (const auto file = find(at, "file")) validation.file = read_text(*file, "the name of a file");
    if (const auto x = find(at, "x")) validation.x = read_columns(*x);
    if (const auto y = find(at, "y")) validation.y = read_columns(*y);
    return validation;
  }
  validation.fraction = read_number(at, expected);
  if (!(validation.fraction >= 0 && validation.fraction < 1)) fail_expected(at, expected);
  return validation;
}

void read_scale(const Cursor& at, Data& data) {
  const std::string expected = "\"none\", \"standard\", \"minmax\" or a number to divide by";
  if (at->is(Json::Kind::text)) {
    const std::vector<std::string> names{"none", "standard", "minmax"};
    const auto found = std::find(names.begin(), names.end(), at->text);
    if (found == names.end()) fail_expected(at, expected);
    data.scale = static_cast<Scaling>(found - names.begin());
    return;
  }
  data.scale = Scaling::divide;
  data.divisor = read_number(at, expected);
  if (data.divisor == 0) fail_expected(at, "a number other than 0 to divide by");
}

}  // namespace

Training read_training(const Cursor& at) {
  check_keys(at, "an object", table_names<Training>(training_fields));
  Training training;
  read_section(at, training_fields, training);
  if (training.epochs > 0 && training.steps > 0) fail(at, "expected either \"epochs\" or \"steps\", got both");
  if (training.epochs == 0 && training.steps == 0) training.epochs = default_epochs;
  return training;
}

Population read_population(const Cursor& at, const Model& model) {
  std::vector<std::string> known = table_names<Population>(population_fields);
  known.emplace_back("vary");
  check_keys(at, "an object", known);
  Population population;
  read_section(at, population_fields, population);
  if (const auto vary = find(at, "vary")) {
    if (!vary->value->is(Json::Kind::object))
      fail_expected(*vary, "an object, {\"optimizer.lr\": {\"uniform\": [0, 1]}}");
    if (vary->value->keys.size() > most_varied) fail(*vary, fmt::format("expected at most {} names", most_varied));
    for (size_t i = 0; i < vary->value->keys.size(); ++i) {
      population.vary.push_back(read_vary(vary->item(i), vary->value->keys[i], model));
    }
  }
  settle_members(at, find(at, "members"), population);
  return population;
}

Data read_data(const Cursor& at) {
  check_keys(at, "an object", key_names(data_keys));
  Data data;
  data.file = read_text(need(at, "file", "the name of an .npz, .npy or .csv file"), "the name of a file");
  if (const auto x = find(at, "x")) data.x = read_columns(*x);
  if (const auto y = find(at, "y")) data.y = read_columns(*y);
  if (const auto validation = find(at, "validation")) data.validation = read_validation(*validation);
  if (const auto scale = find(at, "scale")) read_scale(*scale, data);
  return data;
}

}  // namespace shoal::json
