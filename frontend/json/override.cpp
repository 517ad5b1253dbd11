// Changing one value of a spec by a dotted path or a JSON pointer.
#include "frontend/json/override.h"

#include <charconv>
#include <optional>

#include "compiler/support/error.h"
#include "frontend/json/spec.h"

namespace shoal::json {

namespace {

std::vector<std::string> split(std::string_view path, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = std::min(path.find(separator), path.size());
    parts.emplace_back(path.substr(0, end));
    if (end == path.size()) return parts;
    path.remove_prefix(end + 1);
  }
}

std::string unescape(std::string_view part) {
  std::string key;
  for (size_t i = 0; i < part.size(); ++i) {
    const bool escape = part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1');
    key += escape ? (part[++i] == '0' ? '~' : '/') : part[i];
  }
  return key;
}

// JSON; or a plain text, so that data.file=runs/a.npz needs no quotes. What begins like JSON must be JSON.
Json read_value(std::string_view text, const std::string& source) {
  try {
    return parse(text, source);
  } catch (const SpecError&) {
    if (!text.empty() && (text[0] == '{' || text[0] == '[' || text[0] == '"')) throw;
    return Json(text);
  }
}

class Walk {
 public:
  Walk(std::string_view assignment, std::vector<std::string> parts)
      : place_(fmt::format("--set {}", assignment)), parts_(std::move(parts)) {}

  void assign(Json& document, Json value) {
    Json* at = &document;
    while (next_ < parts_.size()) at = step(*at);
    *at = std::move(value);
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const { throw SpecError(place_, problem); }

  std::string walked() const {
    std::string text;
    for (size_t i = 0; i < next_; ++i) text += (i > 0 ? "." : "") + parts_[i];
    return text.empty() ? "the spec" : "'" + text + "'";
  }

  Json* step(Json& at) {
    switch (at.kind) {
      case Json::Kind::list: return list_item(at);
      case Json::Kind::object: return member(at);
      case Json::Kind::text:
        if (!is_op_place()) break;
        // "adam" and {"adam": {}} mean the same, and the second has room for a field.
        at = Json::object({{at.text, Json::object()}});
        return member(at);
      case Json::Kind::null:
      case Json::Kind::boolean:
      case Json::Kind::integer:
      case Json::Kind::number: break;
    }
    refuse(fmt::format("{} is neither an object nor a list, so it has no '{}'", walked(), parts_[next_]));
  }

  Json* list_item(Json& at) {
    const std::string& part = parts_[next_];
    if (at.items.empty()) refuse(fmt::format("{} is an empty list, so it has no '{}'", walked(), part));
    size_t i = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), i);
    if (error != std::errc{} || end != part.data() + part.size() || i >= at.items.size()) {
      refuse(
          fmt::format("{} is a list: expected an index from 0 to {}, got '{}'", walked(), at.items.size() - 1, part));
    }
    ++next_;
    return &at.items[i];
  }

  Json* member(Json& at) {
    // Keys such as "optimizer.lr" hold dots themselves: the longest run of parts that is a key wins.
    for (size_t end = parts_.size(); end > next_; --end) {
      std::string key = parts_[next_];
      for (size_t i = next_ + 1; i < end; ++i) key += "." + parts_[i];
      if (Json* found = at.find(key)) {
        next_ = end;
        return found;
      }
    }
    if (is_op_place() && !at.items.empty()) {
      for (size_t i = 0; i < at.keys.size(); ++i) {
        const std::string& part = parts_[next_];
        const bool attribute = part == "name" || part == "input" || at.keys[i] == "name" || at.keys[i] == "input";
        if (!attribute && at.items[i].is(Json::Kind::object)) return &at.items[i];
      }
    }
    std::string key = parts_[next_++];
    if (next_ == 3 && parts_[0] == "population" && parts_[1] == "vary") {
      // A new name to vary is "optimizer.lr"; what comes after it is the kind.
      if (next_ < parts_.size()) key += "." + parts_[next_++];
    }
    return &at.set(std::move(key), next_ == parts_.size() ? Json() : Json::object());
  }

  // Whether the parts walked so far lead to an op.
  bool is_op_place() const {
    if (next_ == 1) return parts_[0] == "optimizer" || parts_[0] == "loss";
    return next_ == 3 && parts_[0] == "network" && parts_[1] == "layers";
  }

  std::string place_;
  std::vector<std::string> parts_;
  size_t next_ = 0;
};

}  // namespace

void apply_override(Json& document, std::string_view assignment) {
  const std::string place = fmt::format("--set {}", assignment);
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw SpecError(place, "expected path=value, such as training.batch=64");
  }
  std::string_view path = assignment.substr(0, equals);
  const bool pointer = path[0] == '/';
  if (pointer) path.remove_prefix(1);
  std::vector<std::string> parts = split(path, pointer ? '/' : '.');
  for (std::string& part : parts) {
    if (part.empty()) throw SpecError(place, "expected names between the separators of the path, got nothing");
    if (pointer) part = unescape(part);
  }
  Walk(assignment, std::move(parts)).assign(document, read_value(assignment.substr(equals + 1), place));
}

}  // namespace shoal::json

namespace shoal {

std::string apply_override(std::string_view text, std::string_view assignment) {
  json::Json document = json::parse(text, "spec");
  json::apply_override(document, assignment);
  return json::print(document);
}

}  // namespace shoal
