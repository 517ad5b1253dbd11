// Reads an initializer back from its text, {"uniform":{"low":-1,"high":1}}: the one form in which parameters carry it.
#include <cctype>
#include <charconv>

#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  void expect(char c) {
    if (!accept(c)) fail(fmt::format("expected '{}'", c));
  }
  bool accept(char c) {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view name() {
    expect('"');
    const size_t end = text_.find('"', at_);
    if (end == std::string_view::npos) fail("expected a closing '\"'");
    const std::string_view found = text_.substr(at_, end - at_);
    at_ = end + 1;
    return found;
  }
  double number() {
    accept(' ');
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc{}) fail("expected a number");
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }
  void expect_end() {
    accept(' ');
    if (at_ != text_.size()) fail("expected the end");
  }
  [[noreturn]] void fail(const std::string& problem) const {
    throw SpecError("initializer", fmt::format("{} at column {} of `{}`", problem, at_ + 1, text_));
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

InitializerRef parse_initializer(std::string_view json) {
  Reader reader(json);
  reader.expect('{');
  const std::string_view name = reader.name();
  const OpInfo* info = find_op(OpKind::initializer, name);
  if (!info) reader.fail(fmt::format("no initializer \"{}\"", name));
  const std::shared_ptr<Op> op = info->make();
  reader.expect(':');
  reader.expect('{');
  if (!reader.accept('}')) {
    do {
      const std::string_view field = reader.name();
      reader.expect(':');
      if (const Problem problem = op->set(field, reader.number())) reader.fail(fmt::format("{}: {}", field, *problem));
    } while (reader.accept(','));
    reader.expect('}');
  }
  reader.expect('}');
  reader.expect_end();
  if (const auto missing = op->missing()) reader.fail(fmt::format("\"{}\" is missing", *missing));
  return std::static_pointer_cast<const Initializer>(op);
}

}  // namespace shoal
