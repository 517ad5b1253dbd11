// A JSON document as a small tree of values, read with limits and printed deterministically.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shoal::json {

struct Json {
  enum class Kind : uint8_t { null, boolean, integer, number, text, list, object } kind = Kind::null;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<std::string> keys;  // of an object, in the order of the document: keys[i] stands for items[i]
  std::vector<Json> items;        // of a list or an object

  Json() = default;
  Json(bool value) : kind(Kind::boolean), boolean(value) {}
  Json(int64_t value) : kind(Kind::integer), integer(value) {}
  Json(int value) : kind(Kind::integer), integer(value) {}
  Json(double value) : kind(Kind::number), number(value) {}
  Json(std::string value) : kind(Kind::text), text(std::move(value)) {}
  Json(std::string_view value) : kind(Kind::text), text(value) {}
  Json(const char* value) : kind(Kind::text), text(value) {}
  static Json list(std::vector<Json> items = {});
  static Json object(std::vector<std::pair<std::string, Json>> members = {});

  bool is(Kind k) const { return kind == k; }
  const Json* find(std::string_view key) const;  // nullptr when this is no object, or has no such key
  Json* find(std::string_view key);
  Json& set(std::string key, Json value);  // appends or replaces; this must be an object. Returns the value's place
  bool operator==(const Json&) const = default;
};

struct ReadLimits {
  size_t bytes = size_t{16} << 20;
  size_t depth = 64;
  size_t values = size_t{1} << 21;  // a tree takes about 150 bytes a value
};

// Throws SpecError with place "<source>:<line>:<column>" for bad syntax, and with a JSON pointer for a duplicate key or
// too deep nesting.
Json parse(std::string_view text, const std::string& source, const ReadLimits& = {});

// One line without spaces; or, for people, lists and objects that do not fit 100 columns on lines of their own. Numbers
// have the fewest digits that read back equal.
std::string print_compact(const Json&);
std::string print(const Json&);

std::string pointer_child(const std::string& pointer, std::string_view key);  // JSON pointer, with ~0 and ~1 escapes

}  // namespace shoal::json
