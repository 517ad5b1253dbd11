// The checks that every reader of specs makes, and the wording of their messages.
#include "frontend/json/cursor.h"

#include <algorithm>
#include <cctype>

namespace shoal::json {

namespace {

std::string shown(const Json& value) {
  constexpr size_t longest = 60;
  const size_t count = value.items.size();
  if (value.is(Json::Kind::list)) return count == 0 ? "an empty list" : fmt::format("a list of {}", count);
  if (value.is(Json::Kind::object)) {
    return count == 0 ? "an empty object" : fmt::format("an object with {} key{}", count, count > 1 ? "s" : "");
  }
  std::string text = print_compact(value);
  if (text.size() <= longest) return text;
  size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a UTF-8 sequence
  return text.substr(0, end) + "...";
}

}  // namespace

Cursor Cursor::item(size_t i) const {
  const std::string key = value->is(Json::Kind::object) ? value->keys[i] : fmt::format("{}", i);
  return {&value->items[i], pointer_child(pointer, key)};
}

void fail(const Cursor& at, const std::string& problem) { throw SpecError(at.place(), problem); }

void fail_expected(const Cursor& at, const std::string& expected) {
  fail(at, fmt::format("expected {}, got {}", expected, at.value ? shown(*at) : "nothing"));
}

void rethrow_at(const SpecError& error, const std::string& place) {
  throw SpecError(place, std::string(error.what()).substr(error.place.size() + 2));
}

std::string suggestion(std::string_view wanted, const std::vector<std::string>& names) {
  constexpr size_t few = 8;
  const std::string nearest = nearest_name(wanted, names);
  if (!nearest.empty()) return fmt::format("; did you mean '{}'?", nearest);
  if (names.empty() || names.size() > few) return "";
  return fmt::format("; expected {}'{}'", names.size() > 1 ? "one of " : "", fmt::join(names, "', '"));
}

void check_keys(const Cursor& at, const std::string& what, const std::vector<std::string>& known) {
  if (!at->is(Json::Kind::object)) fail_expected(at, what);
  for (size_t i = 0; i < at->keys.size(); ++i) {
    if (std::find(known.begin(), known.end(), at->keys[i]) != known.end()) continue;
    fail(at.item(i), fmt::format("unknown key{}", suggestion(at->keys[i], known)));
  }
}

std::optional<Cursor> find(const Cursor& at, std::string_view key) {
  const Json* value = at->find(key);
  if (!value) return std::nullopt;
  return Cursor{value, pointer_child(at.pointer, key)};
}

Cursor need(const Cursor& at, std::string_view key, const std::string& expected) {
  const auto found = find(at, key);
  if (!found) fail_expected({nullptr, pointer_child(at.pointer, key)}, expected);
  return *found;
}

std::string read_text(const Cursor& at, const std::string& what) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  const bool is_text = at.value && at->is(Json::Kind::text) && !at->text.empty();
  if (!is_text || std::any_of(at->text.begin(), at->text.end(), control)) fail_expected(at, what);
  return at->text;
}

std::string read_name(const Cursor& at, const std::string& what) {
  const std::string expected = what + " of letters, digits and _";
  const std::string name = read_text(at, expected);
  const auto allowed = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  if (!std::all_of(name.begin(), name.end(), allowed)) fail_expected(at, expected);
  return name;
}

double read_number(const Cursor& at, const std::string& expected) {
  if (at.value && at->is(Json::Kind::integer)) return static_cast<double>(at->integer);
  if (!at.value || !at->is(Json::Kind::number)) fail_expected(at, expected);
  return at->number;
}

FieldValue scalar_field_value(const Cursor& at, const FieldInfo& field) {
  switch (at->kind) {
    case Json::Kind::boolean: return at->boolean;
    case Json::Kind::integer: return at->integer;
    case Json::Kind::number: return at->number;
    case Json::Kind::text: return at->text;
    case Json::Kind::list: {
      std::vector<int64_t> list;
      for (size_t i = 0; i < at->items.size(); ++i) {
        if (!at->items[i].is(Json::Kind::integer)) fail_expected(at.item(i), "an integer");
        list.push_back(at->items[i].integer);
      }
      return list;
    }
    case Json::Kind::null:
    case Json::Kind::object: break;
  }
  fail_expected(at, field.expected());
}

}  // namespace shoal::json
