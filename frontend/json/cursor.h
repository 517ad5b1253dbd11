// A JSON value together with its place, and the checks that every reader of specs makes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/ops/field.h"
#include "compiler/support/error.h"
#include "frontend/json/json.h"

namespace shoal::json {

struct Cursor {
  const Json* value = nullptr;
  std::string pointer;  // "" for the whole document

  const Json& operator*() const { return *value; }
  const Json* operator->() const { return value; }
  Cursor item(size_t i) const;  // of a list or an object
  std::string place() const { return pointer.empty() ? "/" : pointer; }
};

[[noreturn]] void fail(const Cursor&, const std::string& problem);
[[noreturn]] void fail_expected(const Cursor&, const std::string& expected);  // "expected <expected>, got 3"

// The same error at another place.
[[noreturn]] void rethrow_at(const SpecError&, const std::string& place);

// "; did you mean 'dense'?", or "; expected one of 'a', 'b'" when no name is near and there are few, or nothing.
std::string suggestion(std::string_view wanted, const std::vector<std::string>& names);

// Checks that the value is an object with known keys only.
void check_keys(const Cursor&, const std::string& what, const std::vector<std::string>& known);
std::optional<Cursor> find(const Cursor&, std::string_view key);
Cursor need(const Cursor&, std::string_view key, const std::string& expected);

std::string read_text(const Cursor&, const std::string& what);  // not empty, without control characters
std::string read_name(const Cursor&, const std::string& what);  // letters, digits and _ only
double read_number(const Cursor&, const std::string& expected);

// The value of a field of any type but initializer, before its limits are checked.
FieldValue scalar_field_value(const Cursor&, const FieldInfo&);

}  // namespace shoal::json
