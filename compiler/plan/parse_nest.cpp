// Axes with their bindings, quotients, the body and the stores of a nest.
#include "compiler/plan/parse_nest.h"

#include <algorithm>
#include <bit>

#include "compiler/plan/text_names.h"

namespace shoal::plan {
namespace {

// "*8", or "*8/4" for every fourth.
void parse_level(Line& line, int32_t* count, int32_t* div) {
  line.expect("*");
  *count = line.small_integer(1);
  if (line.accept("/")) *div = line.small_integer(1);
}

// "*8", "*8/4" for neighbouring bits of the lane, or "*8@0:2:3" for these bits.
void parse_lanes(Line& line, AxisBinding& spread) {
  int32_t div = 1;
  parse_level(line, &spread.lane_count, &div);
  if (!std::has_single_bit(static_cast<uint32_t>(spread.lane_count)) ||
      !std::has_single_bit(static_cast<uint32_t>(div)))
    line.fail("expected powers of two");
  int32_t bits = std::countr_zero(static_cast<uint32_t>(spread.lane_count));
  bool listed = line.accept("@");
  for (int32_t j = 0; j < bits; ++j) {
    if (listed && j > 0) line.expect(":");
    spread.lane_bits.push_back(listed ? line.small_integer(0) : std::countr_zero(static_cast<uint32_t>(div)) + j);
  }
}

void parse_axes(Line& line, bool reduced, Nest& nest, Binding& binding) {
  line.expect("[");
  if (line.accept("]")) return;
  do {
    Axis axis;
    axis.name = line.name(), axis.reduced = reduced;
    line.expect(":");
    axis.extent = line.small_integer(0);
    AxisBinding spread;
    int32_t threads = 0;
    while (!line.peek().is(",") && !line.peek().is("]")) {
      if (line.accept("sample")) {
        axis.sample = true;
      } else if (line.accept("window")) {
        axis.window = true;
      } else if (line.accept("lane")) {
        parse_lanes(line, spread);
      } else if (line.accept("warp")) {
        parse_level(line, &spread.warp_count, &spread.warp_div);
      } else if (line.accept("padded")) {
        spread.padded = true;
      } else if (line.accept("thread")) {
        line.expect("*");
        threads = line.small_integer(1);
      } else if (line.accept("vector")) {
        line.expect("*");
        spread.vector = line.small_integer(1);
      } else {
        line.expect("tile");
        line.expect("*");
        spread.tile = line.small_integer(1);
      }
    }
    spread.threads = threads ? threads : spread.lane_count * spread.warp_count;
    nest.axes.push_back(axis);
    binding.axes.push_back(spread);
  } while (line.accept(","));
  line.expect("]");
}

// Reads one line of the body of `nest`.
class BodyLine {
 public:
  BodyLine(Line& line, const std::vector<std::string>& values, const Plan& plan, Nest& nest)
      : line_(line), values_(values), plan_(plan), nest_(nest), axes_(axis_names(nest)) {}

  void parse() {
    if (line_.accept("store")) {
      Access target = access();
      line_.expect("=");
      nest_.stores.push_back({target, line_.local(nest_.body.size())});
    } else if (line_.peek().kind == Token::Kind::local) {
      size_t number = nest_.body.size();
      if (line_.local(number + 1) != static_cast<int32_t>(number)) line_.fail(fmt::format("expected %{}", number));
      parse_scalar();
    } else {
      parse_quotient();
    }
  }

 private:
  void parse_quotient() {
    line_.expect(fmt::format("q{}", nest_.quotients.size()));
    line_.expect("=");
    line_.expect("(");
    Quotient quotient;
    quotient.numerator = index();
    line_.expect(")");
    line_.expect("/");
    quotient.divisor = line_.small_integer(1);
    line_.expect("in");
    quotient.extent = line_.small_integer(0);
    nest_.quotients.push_back(quotient);
  }

  void parse_scalar() {
    bool named = line_.peek().kind == Token::Kind::name;
    DType dtype = named ? line_.dtype() : DType::f32;
    line_.expect("=");
    Scalar s = expression();
    s.dtype = named ? dtype : default_dtype(plan_.values, s);
    nest_.body.push_back(std::move(s));
  }

  Scalar expression() {
    if (line_.accept("coordinate")) return {.kind = Scalar::Kind::coordinate, .index = index()};
    if (line_.accept("position")) return {.kind = Scalar::Kind::position};
    if (line_.accept("step")) return {.kind = Scalar::Kind::step};
    if (line_.accept("accumulator")) {
      Scalar s{.kind = Scalar::Kind::accumulator};
      if (line_.accept("[")) s.access.dims = indices();
      line_.expect("from");
      s.value = line_.real();
      return s;
    }
    if (line_.accept("load")) {
      Scalar s{.kind = Scalar::Kind::load, .access = access()};
      guards(s);
      return s;
    }
    if (line_.peek().kind == Token::Kind::local) {
      Scalar s{.kind = Scalar::Kind::guarded, .args = {line_.local(nest_.body.size()), -1, -1}};
      guards(s);
      return s;
    }
    Prim prim;
    if (line_.peek().kind == Token::Kind::name && find_prim(line_.peek().text, &prim)) return primitive(prim);
    return {.kind = Scalar::Kind::constant, .value = line_.real()};
  }

  Scalar primitive(Prim prim) {
    line_.word();
    if (prim_kind(prim) != PrimKind::scalar) line_.fail(fmt::format("'{}' does not work on scalars", prim_name(prim)));
    Scalar s{.kind = Scalar::Kind::primitive, .prim = prim};
    if (prim == Prim::shuffle) {
      line_.expect("<");
      s.n = line_.small_integer(1);
      line_.expect(">");
    }
    line_.expect("(");
    for (int k = 0; k < prim_arity(prim); ++k) {
      if (k) line_.expect(",");
      s.args[static_cast<size_t>(k)] = line_.local(nest_.body.size());
    }
    line_.expect(")");
    return s;
  }

  void guards(Scalar& s) {
    while (line_.accept("where")) {
      // A quotient alone is a guard by its validity; before "in" it is part of an index like any axis.
      Index what = index();
      if (line_.accept("in")) {
        s.guards.push_back({.index = what, .extent = line_.small_integer(0)});
        continue;
      }
      int32_t axes = static_cast<int32_t>(nest_.axes.size());
      if (what.terms.size() != 1 || what.terms[0].axis < axes || what.terms[0].axis == time_axis ||
          what.terms[0].factor != 1 || what.offset)
        line_.fail("expected a quotient, or an index with 'in' and its extent");
      s.guards.push_back({.quotient = what.terms[0].axis - axes});
    }
    if (s.guards.empty()) return;
    line_.expect("else");
    s.value = line_.real();
  }

  Access access() {
    Access access;
    access.value = line_.reference(values_, "value");
    line_.expect("[");
    if (line_.peek().kind == Token::Kind::local) {
      access.indirect = line_.local(nest_.body.size());
      access.dims.emplace_back();
      if (!line_.peek().is("]")) line_.expect(",");
    }
    for (const Index& dim : indices()) access.dims.push_back(dim);
    if (access.dims.size() != plan_.values[access.value].dims.size())
      line_.fail(fmt::format("'{}' has {} dimensions, got {} indices", plan_.values[access.value].name,
                             plan_.values[access.value].dims.size(), access.dims.size()));
    return access;
  }

  std::vector<Index> indices() {
    std::vector<Index> result;
    while (!line_.accept("]")) {
      if (!result.empty()) line_.expect(",");
      result.push_back(index());
    }
    return result;
  }

  Index index() {
    Index result;
    do {
      bool negative = line_.accept("-");
      if (!negative) line_.accept("+");
      int64_t factor = 1;
      bool number = line_.peek().kind == Token::Kind::number;
      if (number) factor = line_.integer();
      if (negative) factor = -factor;
      if (number && !line_.accept("*"))
        result.offset += factor;
      else
        result.terms.push_back({line_.accept("time") ? time_axis : line_.reference(axes_, "axis"), factor});
    } while (line_.peek().is("+") || line_.peek().is("-"));
    return result;
  }

  Line& line_;
  const std::vector<std::string>& values_;
  const Plan& plan_;
  Nest& nest_;
  const std::vector<std::string> axes_;
};

}  // namespace

void parse_nest_head(Line& head, bool relayout, Plan& plan) {
  Nest nest;
  nest.name = head.name(), nest.relayout = relayout;
  Binding binding;
  if (!head.accept_key("region")) head.fail("expected region=");
  nest.region = head.small_integer(0);
  if (head.accept("before")) nest.phase = Phase::before;
  if (head.accept("after")) nest.phase = Phase::after;
  if (head.accept_key("loop")) nest.loop = head.small_integer(0);
  parse_axes(head, false, nest, binding);
  nest.over_chunks = head.accept("chunked");
  for (Reduction reduction : {Reduction::sum, Reduction::max, Reduction::min}) {
    if (!head.accept(reduction_name(reduction))) continue;
    nest.reduction = reduction;
    nest.reduced = head.local(size_t{1} << 30);
    head.expect("over");
    parse_axes(head, true, nest, binding);
  }
  while (head.accept("idle")) {
    if (head.accept("lane")) {
      parse_level(head, &binding.idle_lanes, &binding.idle_lane_div);
    } else {
      head.expect("warp");
      parse_level(head, &binding.idle_warps, &binding.idle_warp_div);
    }
  }
  if (head.accept("mma")) {
    const auto axis = [&] {
      const std::string name = head.name();
      for (int a = 0; a < nest.parallel_count(); ++a)
        if (nest.axes[a].name == name) return a;
      head.fail(fmt::format("'{}' is no parallel axis", name));
    };
    binding.mma_rows = axis();
    binding.mma_columns = axis();
  }
  head.expect_end();
  plan.nests.push_back(std::move(nest));
  plan.bindings.push_back(std::move(binding));
}

void parse_nest_line(Line& line, const std::vector<std::string>& values, Plan& plan) {
  BodyLine(line, values, plan, plan.nests.back()).parse();
  line.expect_end();
}

}  // namespace shoal::plan
