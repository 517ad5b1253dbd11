// The tree of a JSON document: building, looking up and printing.
#include "frontend/json/json.h"

#include <fmt/format.h>

#include "compiler/ops/field.h"

namespace shoal::json {

namespace {

constexpr size_t line_columns = 100;

std::string scalar_text(const Json& value) {
  switch (value.kind) {
    case Json::Kind::null: return "null";
    case Json::Kind::boolean: return value.boolean ? "true" : "false";
    case Json::Kind::integer: return field_value_text(value.integer);
    case Json::Kind::number: return field_value_text(value.number);
    case Json::Kind::text: return field_value_text(value.text);
    case Json::Kind::list:
    case Json::Kind::object: break;
  }
  return "";
}

std::string one_line(const Json& value, const char* comma, const char* colon) {
  const bool object = value.is(Json::Kind::object);
  if (!object && !value.is(Json::Kind::list)) return scalar_text(value);
  std::string out = object ? "{" : "[";
  for (size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) out += comma;
    if (object) out += field_value_text(value.keys[i]) + colon;
    out += one_line(value.items[i], comma, colon);
  }
  return out + (object ? "}" : "]");
}

// `used`: columns of the line before the value.
void pretty(const Json& value, size_t indent, size_t used, std::string& out) {
  const std::string line = one_line(value, ", ", ": ");
  if (used + line.size() <= line_columns || value.items.empty()) {
    out += line;
    return;
  }
  const bool object = value.is(Json::Kind::object);
  out += object ? "{" : "[";
  for (size_t i = 0; i < value.items.size(); ++i) {
    out += fmt::format("{}\n{:{}}", i > 0 ? "," : "", "", indent + 2);
    const std::string key = object ? field_value_text(value.keys[i]) + ": " : "";
    out += key;
    pretty(value.items[i], indent + 2, indent + 2 + key.size(), out);
  }
  out += fmt::format("\n{:{}}{}", "", indent, object ? "}" : "]");
}

}  // namespace

Json Json::list(std::vector<Json> items) {
  Json list;
  list.kind = Kind::list;
  list.items = std::move(items);
  return list;
}

Json Json::object(std::vector<std::pair<std::string, Json>> members) {
  Json object;
  object.kind = Kind::object;
  for (auto& [key, value] : members) object.set(std::move(key), std::move(value));
  return object;
}

const Json* Json::find(std::string_view key) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == key) return &items[i];
  }
  return nullptr;
}

Json* Json::find(std::string_view key) { return const_cast<Json*>(std::as_const(*this).find(key)); }

Json& Json::set(std::string key, Json value) {
  if (Json* held = find(key)) {
    *held = std::move(value);
    return *held;
  }
  keys.push_back(std::move(key));
  items.push_back(std::move(value));
  return items.back();
}

std::string print_compact(const Json& value) { return one_line(value, ",", ":"); }

std::string print(const Json& value) {
  std::string out;
  pretty(value, 0, 0, out);
  return out + "\n";
}

std::string pointer_child(const std::string& pointer, std::string_view key) {
  std::string child = pointer == "/" ? "/" : pointer + "/";
  for (const char c : key) {
    if (c == '~') {
      child += "~0";
    } else if (c == '/') {
      child += "~1";
    } else {
      child += c;
    }
  }
  return child;
}

}  // namespace shoal::json
