// Fields of ops: how a struct names its members, what values they take, and how a front end sets one by name.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace shoal {

class Initializer;
using InitializerRef = std::shared_ptr<const Initializer>;

// What a front end read for a field, before its type is known. A whole number may set a number or an integer; an
// integer may set a pair (both elements); a list of two integers sets a pair.
using FieldValue = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, InitializerRef>;

enum class FieldType : uint8_t { number, integer, boolean, text, pair, list, initializer };
std::string_view field_type_name(FieldType);  // "number", "integer", "boolean", "text", "pair", "list", "initializer"

// What a value must satisfy beyond its type.
struct Limits {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;  // the end itself is excluded
  std::string_view choices = {};             // of a text field: the allowed values, separated by '|'; empty: any
  bool required = false;                     // has no default: a front end must set it
  bool may_vary = false;                     // a number that `vary` may turn into one value for each member
  constexpr Limits with_required() const {
    return copy([](Limits& l) { l.required = true; });
  }
  constexpr Limits with_vary() const {
    return copy([](Limits& l) { l.may_vary = true; });
  }

 private:
  template <typename F>
  constexpr Limits copy(F change) const {
    Limits changed = *this;
    change(changed);
    return changed;
  }
};

constexpr Limits any_value{};
constexpr double no_limit = std::numeric_limits<double>::infinity();
constexpr Limits positive{.low = 0, .high = no_limit, .low_open = true};
constexpr Limits non_negative{.low = 0, .high = no_limit};
constexpr Limits size_limits{.low = 1, .high = 1 << 24};             // of a dimension: keeps element counts countable
constexpr Limits below_one{.low = 0, .high = 1, .high_open = true};  // [0, 1)
constexpr Limits one_of(std::string_view choices) { return {.choices = choices}; }

// One line of an op's `fields` tuple.
template <typename Owner, typename T>
struct Field {
  std::string_view name;
  T Owner::* member;
  std::string_view doc;
  Limits limits;
  constexpr Field(std::string_view name_, T Owner::* member_, std::string_view doc_, Limits limits_ = any_value)
      : name(name_), member(member_), doc(doc_), limits(limits_) {}
};

// A field as front ends, the schema and the reference page see it.
struct FieldInfo {
  std::string name;
  FieldType type = FieldType::number;
  std::string doc;
  std::string default_text;                      // as JSON: "0.01", "true", "\"none\"", "[1,1]"; empty when required
  std::vector<std::string> choices;              // of a text field; empty: any text
  Limits limits;                                 // of numbers and of each element of pairs and lists
  void set_choices(std::string_view separated);  // by '|'
  std::string expected() const;  // "a positive integer", "a number in [0, 1)", "one of \"none\", \"tanh\""
};

std::string field_value_text(const FieldValue&);  // JSON; numbers with the fewest digits that read back equal

// The name of `names` nearest to `wanted`, or empty when none is near (front ends use it for layers and keys too).
std::string nearest_name(std::string_view wanted, const std::vector<std::string>& names);

// Store a value into a member, or say what was expected instead. One for each type a field may have.
using Problem = std::optional<std::string>;
Problem assign_field(const FieldInfo&, const FieldValue&, double* member);
Problem assign_field(const FieldInfo&, const FieldValue&, int64_t* member);
Problem assign_field(const FieldInfo&, const FieldValue&, bool* member);
Problem assign_field(const FieldInfo&, const FieldValue&, std::string* member);
Problem assign_field(const FieldInfo&, const FieldValue&, std::array<int64_t, 2>* member);
Problem assign_field(const FieldInfo&, const FieldValue&, std::vector<int64_t>* member);
Problem assign_field(const FieldInfo&, const FieldValue&, InitializerRef* member);

FieldValue read_field(double);
FieldValue read_field(int64_t);
FieldValue read_field(bool);
FieldValue read_field(const std::string&);
FieldValue read_field(const std::array<int64_t, 2>&);
FieldValue read_field(const std::vector<int64_t>&);
FieldValue read_field(const InitializerRef&);

constexpr FieldType field_type(const double&) { return FieldType::number; }
constexpr FieldType field_type(const int64_t&) { return FieldType::integer; }
constexpr FieldType field_type(const bool&) { return FieldType::boolean; }
inline FieldType field_type(const std::string&) { return FieldType::text; }
inline FieldType field_type(const std::array<int64_t, 2>&) { return FieldType::pair; }
inline FieldType field_type(const std::vector<int64_t>&) { return FieldType::list; }
inline FieldType field_type(const InitializerRef&) { return FieldType::initializer; }

}  // namespace shoal
