// Reads JSON text by events into the tree, so that depth, size and duplicate keys are checked before memory is taken.
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "compiler/support/error.h"
#include "frontend/json/json.h"

namespace shoal::json {

namespace {

using Sax = nlohmann::json_sax<nlohmann::json>;

class TreeBuilder : public Sax {
 public:
  TreeBuilder(std::string_view text, const std::string& source, const ReadLimits& limits)
      : text_(text), source_(source), limits_(limits) {}

  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(static_cast<int64_t>(value))); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return add(Json(static_cast<int64_t>(value)));
    return add(Json(static_cast<double>(value)));
  }
  bool number_float(number_float_t value, const string_t& written) override {
    if (!std::isfinite(value)) throw SpecError(pointer(), fmt::format("expected a finite number, got {}", written));
    return add(Json(value));
  }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t&) override { return false; }  // not in JSON text
  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::list()); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    open_.back()->keys.push_back(std::move(value));
    return true;
  }

  bool end_object() override {
    std::vector<std::string_view> keys(open_.back()->keys.begin(), open_.back()->keys.end());
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) {
      std::string place = pointer_of_open();
      throw SpecError(pointer_child(place, *twice), "duplicate key");
    }
    return close();
  }

  bool parse_error(size_t position, const std::string& last, const nlohmann::detail::exception& error) override {
    // The library's text is "[json.exception...] parse error at line 1, column 2: syntax error while ...; ...".
    std::string problem = error.what();
    const size_t start = problem.find("syntax error");
    if (start != std::string::npos) {
      problem = problem.substr(start);
    } else if (problem.find("number overflow") != std::string::npos) {
      problem = fmt::format("expected a finite number, got {}", last);
    }
    throw SpecError(place_of(position), problem);
  }

  Json take() { return std::move(root_); }

 private:
  std::string place_of(size_t position) const {
    const std::string_view before = text_.substr(0, std::min(position > 0 ? position - 1 : 0, text_.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    return fmt::format("{}:{}:{}", source_, line, before.size() - line_start + 1);
  }

  // The place of the value that is being read inside the innermost `levels` open lists and objects.
  std::string pointer_through(size_t levels) const {
    std::string place;
    for (size_t i = 0; i < levels; ++i) {
      const Json& container = *open_[i];
      const bool held = i + 1 < open_.size();  // the child that is open is already among the items
      if (container.is(Json::Kind::object)) {
        place = pointer_child(place, container.keys.back());
      } else {
        place += fmt::format("/{}", container.items.size() - (held ? 1 : 0));
      }
    }
    return place.empty() ? "/" : place;
  }
  std::string pointer() const { return pointer_through(open_.size()); }
  std::string pointer_of_open() const { return open_.size() == 1 ? "" : pointer_through(open_.size() - 1); }

  Json* place(Json value) {
    if (++values_ > limits_.values) {
      throw SpecError(source_, fmt::format("expected at most {} values, got more", limits_.values));
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    open_.back()->items.push_back(std::move(value));
    return &open_.back()->items.back();
  }
  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  // Pointers to open containers stay valid: only the innermost one's items grow.
  bool open(Json container) {
    if (open_.size() == limits_.depth) {
      throw SpecError(pointer(), fmt::format("expected at most {} levels of nesting, got more", limits_.depth));
    }
    open_.push_back(place(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  const std::string& source_;
  const ReadLimits& limits_;
  Json root_;
  std::vector<Json*> open_;
  size_t values_ = 0;
};

}  // namespace

Json parse(std::string_view text, const std::string& source, const ReadLimits& limits) {
  if (text.size() > limits.bytes) {
    throw SpecError(source, fmt::format("expected at most {} bytes, got {}", limits.bytes, text.size()));
  }
  TreeBuilder builder(text, source, limits);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) throw SpecError(source, "not JSON");
  return builder.take();
}

}  // namespace shoal::json
