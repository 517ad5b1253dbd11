// The plan as text: arguments, values with their places, and every nest in execution order. Grammar in
// docs/plan-text.md.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "compiler/plan/plan.h"
#include "compiler/plan/text_names.h"

namespace shoal::plan {
namespace {

std::string varies_text(Varies v) {
  return v.member && v.sample ? "member,sample" : v.member ? "member" : v.sample ? "sample" : "none";
}

std::string_view kind_text(Place::Kind kind) {
  switch (kind) {
    case Place::Kind::global: return "global";
    case Place::Kind::shared: return "shared";
    case Place::Kind::scratch: return "scratch";
    case Place::Kind::registers: return "registers";
  }
  return "";
}

// Layout and place; `kind` is what need not be said.
std::string place_text(const Value& value, const Place& place, Place::Kind kind) {
  std::string text;
  if (place.kind != kind) text += fmt::format(" {}", kind_text(place.kind));
  if (place.offset != 0 || place.kind != Place::Kind::global) text += fmt::format(" at={}", place.offset);
  Place dense;
  dense.sample_extent = place.sample_extent;
  lay_out_densely(value, dense);
  if (place.size != dense.size || place.kind != Place::Kind::global) text += fmt::format(" size={}", place.size);
  if (place.swizzle != 0) text += fmt::format(" swizzle={}", place.swizzle);
  if (place.sample_extent != 1) text += fmt::format(" samples={}", place.sample_extent);
  if (place.sample_stride != dense.sample_stride) text += fmt::format(" stride={}", place.sample_stride);
  if (place.strides != dense.strides) text += fmt::format(" strides={}", shape_text(place.strides));
  if (place.first_nest != -1 || place.last_nest != -1)
    text += fmt::format(" live={}:{}", place.first_nest, place.last_nest);
  if (value.samples_innermost) text += " samples_innermost";
  if (value.row_major) text += " row_major";
  if (value.in_registers && place.kind != Place::Kind::registers) text += " in_registers";
  return text;
}

std::string argument_text(const PlanArgument& a, const Value& value, const Place& place) {
  std::string text = fmt::format("argument {} {} {} varies={}", name_text(a.name), dtype_name(a.dtype),
                                 shape_text(a.shape), varies_text(a.varies));
  text += a.is_output ? " output" : fmt::format(" {}", role_name(a.role));
  if (a.written && !a.is_output) text += " carried";
  if (value.dims != a.shape) text += fmt::format(" dims={}", shape_text(value.dims));
  return text + place_text(value, place, Place::Kind::global) + "\n";
}

std::string value_text(const Value& value, const Place& place) {
  std::string text =
      fmt::format("value {} {} {}", name_text(value.name), dtype_name(value.dtype), shape_text(value.dims));
  if (value.varies != Varies{true, false}) text += fmt::format(" varies={}", varies_text(value.varies));
  return text + place_text(value, place, Place::Kind::global) + "\n";
}

// The text of one nest; references are worked out once for all its lines.
class NestText {
 public:
  NestText(const Plan& plan, const std::vector<std::string>& values, const Nest& nest, const Binding& binding)
      : plan_(plan), values_(values), nest_(nest), binding_(binding), axes_(reference_texts(axis_names(nest))) {}

  std::string text() const {
    std::string result = head();
    for (size_t q = 0; q < nest_.quotients.size(); ++q) {
      const Quotient& quotient = nest_.quotients[q];
      result +=
          fmt::format("  q{} = ({}) / {} in {}\n", q, index(quotient.numerator), quotient.divisor, quotient.extent);
    }
    for (size_t i = 0; i < nest_.body.size(); ++i) {
      const Scalar& s = nest_.body[i];
      bool usual = s.dtype == default_dtype(plan_.values, s);
      result += fmt::format("  %{}{} = {}\n", i, usual ? "" : fmt::format(" {}", dtype_name(s.dtype)), scalar(s));
    }
    for (const Store& store : nest_.stores)
      result += fmt::format("  store {} = %{}\n", access(store.access), store.scalar);
    return result;
  }

 private:
  std::string head() const {
    std::vector<std::string> parallel, reduced;
    for (size_t a = 0; a < nest_.axes.size(); ++a) (nest_.axes[a].reduced ? reduced : parallel).push_back(axis(a));
    std::string result = fmt::format(
        "{} {} region={}{}{} [{}]", nest_.relayout ? "relayout" : "nest", name_text(nest_.name), nest_.region, phase(),
        nest_.loop >= 0 ? fmt::format(" loop={}", nest_.loop) : "", fmt::join(parallel, ", "));
    if (nest_.over_chunks) result += " chunked";
    if (nest_.reduced >= 0)
      result +=
          fmt::format(" {} %{} over [{}]", reduction_name(nest_.reduction), nest_.reduced, fmt::join(reduced, ", "));
    if (binding_.idle_lanes > 1) result += " idle" + level("lane", binding_.idle_lanes, binding_.idle_lane_div);
    if (binding_.idle_warps > 1) result += " idle" + level("warp", binding_.idle_warps, binding_.idle_warp_div);
    if (binding_.mma_rows >= 0)
      result += fmt::format(" mma {} {}", axes_[binding_.mma_rows], axes_[binding_.mma_columns]);
    return result + "\n";
  }

  std::string_view phase() const {
    switch (nest_.phase) {
      case Phase::before: return " before";
      case Phase::steps: return "";
      case Phase::after: return " after";
    }
    return "";
  }

  // "lane*8/4": neighbouring bits of the lane from the second on; "lane*8@0:2:3": these bits.
  static std::string lanes(const AxisBinding& binding) {
    const std::vector<int32_t>& bits = binding.lane_bits;
    bool run = true;
    for (size_t j = 0; j < bits.size(); ++j) run = run && bits[j] == bits[0] + static_cast<int32_t>(j);
    if (run) return level("lane", binding.lane_count, bits.empty() ? 1 : 1 << bits[0]);
    return fmt::format(" lane*{}@{}", binding.lane_count, fmt::join(bits, ":"));
  }

  static std::string level(std::string_view name, int32_t count, int32_t div) {
    return div == 1 ? fmt::format(" {}*{}", name, count) : fmt::format(" {}*{}/{}", name, count, div);
  }

  std::string axis(size_t a) const {
    const Axis& axis = nest_.axes[a];
    const AxisBinding& binding = binding_.axes[a];
    std::string result = fmt::format("{}:{}", name_text(axis.name), axis.extent);
    if (axis.sample) result += " sample";
    if (axis.window) result += " window";
    if (binding.lane_count != 1) result += lanes(binding);
    if (binding.warp_count != 1 || binding.warp_div != 1) result += level("warp", binding.warp_count, binding.warp_div);
    if (binding.threads != binding.lane_count * binding.warp_count)
      result += fmt::format(" thread*{}", binding.threads);
    if (binding.tile != 1) result += fmt::format(" tile*{}", binding.tile);
    if (binding.vector != 1) result += fmt::format(" vector*{}", binding.vector);
    if (binding.padded) result += " padded";
    return result;
  }

  std::string index(const Index& index) const {
    std::string result;
    for (const Term& t : index.terms) {
      if (t.factor < 0)
        result += "-";
      else if (!result.empty())
        result += "+";
      int64_t factor = t.factor < 0 ? -t.factor : t.factor;
      if (factor != 1) result += fmt::format("{}*", factor);
      result += t.axis == time_axis ? "time" : axes_[t.axis];
    }
    if (result.empty()) return fmt::format("{}", index.offset);
    return index.offset ? result + fmt::format("{:+}", index.offset) : result;
  }

  std::string access(const Access& access) const {
    std::vector<std::string> dims;
    for (const Index& dim : access.dims) dims.push_back(index(dim));
    if (access.indirect >= 0 && !dims.empty()) dims[0] = fmt::format("%{}", access.indirect);
    return fmt::format("{}[{}]", values_[access.value], fmt::join(dims, ", "));
  }

  std::string guards(const Scalar& s) const {
    std::string result;
    for (const Guard& g : s.guards)
      result += g.quotient >= 0 ? fmt::format(" where {}", axes_[nest_.axes.size() + static_cast<size_t>(g.quotient)])
                                : fmt::format(" where {} in {}", index(g.index), g.extent);
    return s.guards.empty() ? result : result + fmt::format(" else {}", s.value);
  }

  std::string of_window(const Scalar& accumulator) const {
    std::vector<std::string> offsets;
    for (const Index& dim : accumulator.access.dims) offsets.push_back(index(dim));
    return offsets.empty() ? "" : fmt::format("[{}]", fmt::join(offsets, ", "));
  }

  std::string scalar(const Scalar& s) const {
    switch (s.kind) {
      case Scalar::Kind::constant: return fmt::format("{}", s.value);
      case Scalar::Kind::coordinate: return "coordinate " + index(s.index);
      case Scalar::Kind::position: return "position";
      case Scalar::Kind::step: return "step";
      case Scalar::Kind::load: return "load " + access(s.access) + guards(s);
      case Scalar::Kind::guarded: return fmt::format("%{}", s.args[0]) + guards(s);
      case Scalar::Kind::accumulator: return fmt::format("accumulator{} from {}", of_window(s), s.value);
      case Scalar::Kind::primitive: break;
    }
    std::vector<std::string> args;
    for (size_t k = 0; k < s.args.size() && s.args[k] >= 0; ++k) args.push_back(fmt::format("%{}", s.args[k]));
    return fmt::format("{}{}({})", prim_name(s.prim), s.prim == Prim::shuffle ? fmt::format("<{}>", s.n) : "",
                       fmt::join(args, ", "));
  }

  const Plan& plan_;
  const std::vector<std::string>& values_;
  const Nest& nest_;
  const Binding& binding_;
  const std::vector<std::string> axes_;
};

}  // namespace

bool Plan::operator==(const Plan& o) const { return print(*this) == print(o); }

std::string print(const Plan& plan) {
  std::string text = fmt::format("plan {} batch={} chunk={}", name_text(plan.name), plan.batch, plan.chunk);
  if (plan.regions != 1) text += fmt::format(" regions={}", plan.regions);
  if (plan.shared_size) text += fmt::format(" shared={}", plan.shared_size);
  if (plan.scratch_size) text += fmt::format(" scratch={}", plan.scratch_size);
  if (plan.access != 1) text += fmt::format(" access={}", plan.access);
  if (plan.fast_math) text += " fast_math";
  text += fmt::format("{}\nschedule {}\n", plan.steps ? " steps" : "", print(plan.schedule));
  for (const TimeLoop& loop : plan.loops)
    text += fmt::format("loop {}{}\n", loop.extent, loop.reversed ? " reversed" : "");
  // A plan that is not placed yet prints too, for traces and for the messages of broken invariants.
  for (size_t v = 0; v < plan.values.size(); ++v) {
    const Value& value = plan.values[v];
    const Place place = v < plan.places.size() ? plan.places[v] : Place{};
    text +=
        value.argument >= 0 ? argument_text(plan.arguments[value.argument], value, place) : value_text(value, place);
  }
  std::vector<std::string> references = reference_texts(value_names(plan));
  for (size_t n = 0; n < plan.nests.size(); ++n) {
    Binding unbound;
    unbound.axes.resize(plan.nests[n].axes.size());
    text += NestText(plan, references, plan.nests[n], n < plan.bindings.size() ? plan.bindings[n] : unbound).text();
  }
  return text;
}

}  // namespace shoal::plan
