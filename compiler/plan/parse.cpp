// Reads the text that print() writes. Grammar in docs/plan-text.md.
#include "compiler/plan/parse_line.h"
#include "compiler/plan/parse_nest.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/text_names.h"
#include "compiler/support/error.h"

namespace shoal::plan {
namespace {

class PlanParser {
 public:
  Plan run(std::string_view text) {
    while (!text.empty()) {
      size_t end = text.find('\n');
      line(text.substr(0, end), ++number_);
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    close_nest();
    if (!has_head_) throw SpecError("plan:1", "expected a line that starts with 'plan'");
    return std::move(plan_);
  }

 private:
  void line(std::string_view text, int number) {
    // The schedule has a language of its own, in which 4x2 is one word.
    if (text.starts_with("schedule ")) return schedule(text.substr(9), number);
    Line tokens(text, number);
    if (tokens.at_end()) return;
    if (tokens.accept("plan")) return head(tokens);
    if (!has_head_) tokens.fail("expected a line that starts with 'plan'");
    bool is_nest = tokens.accept("nest");
    if (is_nest || tokens.accept("relayout")) {
      close_nest();
      nest_line_ = number;
      if (plan_.nests.empty()) names_ = value_names(plan_);
      return parse_nest_head(tokens, !is_nest, plan_);
    }
    if (!plan_.nests.empty()) return parse_nest_line(tokens, names_, plan_);
    if (tokens.accept("loop")) return loop(tokens);
    if (tokens.accept("argument")) return argument(tokens);
    if (tokens.accept("value")) return value(tokens);
    tokens.fail(
        fmt::format("expected schedule, loop, argument, value, nest or relayout, got '{}'", tokens.peek().text));
  }

  void head(Line& line) {
    if (has_head_) line.fail("a text holds one plan");
    has_head_ = true;
    plan_.name = line.name();
    while (!line.at_end()) {
      if (line.accept_key("batch"))
        plan_.batch = line.small_integer(1);
      else if (line.accept_key("chunk"))
        plan_.chunk = line.small_integer(1);
      else if (line.accept_key("regions"))
        plan_.regions = line.small_integer(1);
      else if (line.accept_key("shared"))
        plan_.shared_size = line.integer();
      else if (line.accept_key("scratch"))
        plan_.scratch_size = line.integer();
      else if (line.accept_key("access"))
        plan_.access = line.small_integer(1);
      else if (line.accept("fast_math"))
        plan_.fast_math = true;
      else if (line.accept("steps"))
        plan_.steps = true;
      else
        line.expect_end();
    }
  }

  void schedule(std::string_view text, int number) {
    try {
      plan_.schedule = parse_schedule(text, 1);
    } catch (const SpecError& error) {
      throw SpecError(fmt::format("plan:{}", number), std::string(error.what()).substr(error.place.size() + 2));
    }
  }

  void loop(Line& line) {
    TimeLoop loop;
    loop.extent = line.small_integer(1);
    loop.reversed = line.accept("reversed");
    line.expect_end();
    plan_.loops.push_back(loop);
  }

  void argument(Line& line) {
    PlanArgument a;
    a.name = line.name();
    a.dtype = line.stored_dtype();
    a.shape = line.shape();
    if (!line.accept_key("varies")) line.fail("expected varies=");
    a.varies = line.varies();
    a.is_output = a.written = line.accept("output");
    if (!a.is_output) {
      a.role = role(line);
      a.written = line.accept("carried");
    }
    Value value;
    value.name = a.name, value.dtype = value_dtype(a.dtype), value.dims = a.shape, value.varies = a.varies;
    if (line.accept_key("dims")) value.dims = line.shape();
    value.argument = static_cast<int32_t>(plan_.arguments.size());
    a.value = static_cast<int32_t>(plan_.values.size());
    plan_.arguments.push_back(a);
    place(line, value);
  }

  static Role role(Line& line) {
    for (Role role : {Role::input, Role::data, Role::order, Role::parameter, Role::state, Role::hyper, Role::key})
      if (line.accept(role_name(role))) return role;
    line.fail(fmt::format("expected output or a role, got '{}'", line.peek().text));
  }

  void value(Line& line) {
    Value value;
    value.varies = {true, false};
    value.name = line.name();
    value.dtype = line.dtype();
    value.dims = line.shape();
    if (line.accept_key("varies")) value.varies = line.varies();
    place(line, value);
  }

  // The rest of the line of an argument or value: where it stands and how it is laid out.
  void place(Line& line, Value& value) {
    Place place;
    int64_t size = -1, stride = -1;
    Shape strides;
    if (line.accept("shared"))
      place.kind = Place::Kind::shared;
    else if (line.accept("scratch"))
      place.kind = Place::Kind::scratch;
    else if (line.accept("registers"))
      place.kind = Place::Kind::registers, value.in_registers = true;
    while (!line.at_end()) {
      if (line.accept_key("at"))
        place.offset = line.integer();
      else if (line.accept_key("size"))
        size = line.integer();
      else if (line.accept_key("swizzle"))
        place.swizzle = line.integer();
      else if (line.accept_key("samples"))
        place.sample_extent = line.integer();
      else if (line.accept_key("stride"))
        stride = line.integer();
      else if (line.accept_key("strides"))
        strides = line.shape();
      else if (line.accept_key("live")) {
        place.first_nest = line.small_integer(-1);
        line.expect(":");
        place.last_nest = line.small_integer(-1);
      } else if (line.accept("samples_innermost"))
        value.samples_innermost = true;
      else if (line.accept("row_major"))
        value.row_major = true;
      else if (line.accept("in_registers"))
        value.in_registers = true;
      else
        line.expect_end();
    }
    lay_out_densely(value, place);
    if (size >= 0) place.size = size;
    if (stride >= 0) place.sample_stride = stride;
    if (!strides.empty()) {
      if (strides.size() != value.dims.size()) line.fail("expected a stride for each dimension");
      place.strides = strides;
    }
    plan_.values.push_back(value);
    plan_.places.push_back(place);
  }

  void close_nest() const {
    if (plan_.nests.empty()) return;
    const Nest& nest = plan_.nests.back();
    if (nest.reduced >= static_cast<int32_t>(nest.body.size()))
      throw SpecError(fmt::format("plan:{}", nest_line_), fmt::format("the nest has no scalar %{}", nest.reduced));
  }

  Plan plan_;
  bool has_head_ = false;
  int number_ = 0, nest_line_ = 0;
  std::vector<std::string> names_;
};

}  // namespace

Plan parse_plan(std::string_view text) { return PlanParser().run(text); }

}  // namespace shoal::plan
