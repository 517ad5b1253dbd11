// The plan as text: arguments, values with their places, and every nest in execution order.
#include <fmt/format.h>

#include "compiler/plan/plan.h"

namespace shoal::plan {
namespace {

std::string axis_name(const Nest& nest, int32_t axis) {
  int32_t axes = static_cast<int32_t>(nest.axes.size());
  return axis < axes ? nest.axes[axis].name : fmt::format("q{}", axis - axes);
}

std::string index_text(const Nest& nest, const Index& index) {
  std::string text;
  for (const Term& t : index.terms) {
    if (!text.empty()) text += t.factor < 0 ? "-" : "+";
    else if (t.factor < 0) text += "-";
    int64_t factor = t.factor < 0 ? -t.factor : t.factor;
    text += factor == 1 ? axis_name(nest, t.axis) : fmt::format("{}*{}", factor, axis_name(nest, t.axis));
  }
  if (index.offset || text.empty()) text += fmt::format("{}{}", index.offset >= 0 && !text.empty() ? "+" : "", index.offset);
  return text;
}

std::string access_text(const Plan& plan, const Nest& nest, const Access& access) {
  std::string text = plan.values[access.value].name + "[";
  for (size_t d = 0; d < access.dims.size(); ++d) {
    if (d) text += ", ";
    text += d == 0 && access.indirect >= 0 ? fmt::format("%{}", access.indirect) : index_text(nest, access.dims[d]);
  }
  return text + "]";
}

std::string guards_text(const Nest& nest, const Scalar& s) {
  std::string text;
  for (const Guard& g : s.guards)
    text += g.quotient >= 0 ? fmt::format(" where q{}", g.quotient)
                            : fmt::format(" where {} in {}", index_text(nest, g.index), g.extent);
  return text.empty() ? text : text + fmt::format(" else {}", s.value);
}

std::string scalar_text(const Plan& plan, const Nest& nest, const Scalar& s) {
  switch (s.kind) {
    case Scalar::Kind::constant: return fmt::format("{} {}", dtype_name(s.dtype), s.value);
    case Scalar::Kind::coordinate: return fmt::format("coordinate {}", index_text(nest, s.index));
    case Scalar::Kind::position: return "position";
    case Scalar::Kind::step: return "step";
    case Scalar::Kind::load: return "load " + access_text(plan, nest, s.access) + guards_text(nest, s);
    case Scalar::Kind::guarded: return fmt::format("%{}{}", s.args[0], guards_text(nest, s));
    case Scalar::Kind::accumulator: return fmt::format("accumulator {} from {}", dtype_name(s.dtype), s.value);
    case Scalar::Kind::primitive: break;
  }
  std::string text(prim_name(s.prim));
  if (s.prim == Prim::cast) text += fmt::format("<{}>", dtype_name(s.dtype));
  if (s.prim == Prim::shuffle) text += fmt::format("<{}>", s.n);
  text += "(";
  for (size_t k = 0; k < 3 && s.args[k] >= 0; ++k) text += fmt::format("{}%{}", k ? ", " : "", s.args[k]);
  return text + ")";
}

std::string axis_text(const Axis& axis, const AxisBinding& binding) {
  std::string text = fmt::format("{}:{}", axis.name, axis.extent);
  if (axis.sample) text += " sample";
  if (binding.lane_count > 1) text += fmt::format(" lane*{}", binding.lane_count);
  if (binding.warp_count > 1) text += fmt::format(" warp*{}", binding.warp_count);
  if (binding.tile > 1) text += fmt::format(" tile*{}", binding.tile);
  return text;
}

std::string nest_text(const Plan& plan, const Nest& nest, const Binding& binding) {
  std::string parallel, reduced;
  for (size_t a = 0; a < nest.axes.size(); ++a) {
    std::string& list = nest.axes[a].reduced ? reduced : parallel;
    list += (list.empty() ? "" : ", ") + axis_text(nest.axes[a], binding.axes[a]);
  }
  std::string text = fmt::format("{} {} region={} [{}]", nest.relayout ? "relayout" : "nest", nest.name, nest.region, parallel);
  if (nest.reduced >= 0)
    text += fmt::format(" {}{} %{} over [{}]", nest.over_chunks ? "chunked " : "", reduction_name(nest.reduction), nest.reduced, reduced);
  text += "\n";
  for (size_t q = 0; q < nest.quotients.size(); ++q)
    text += fmt::format("  q{} = ({}) / {} in {}\n", q, index_text(nest, nest.quotients[q].numerator), nest.quotients[q].divisor,
                        nest.quotients[q].extent);
  for (size_t i = 0; i < nest.body.size(); ++i) text += fmt::format("  %{} = {}\n", i, scalar_text(plan, nest, nest.body[i]));
  for (const Store& store : nest.stores)
    text += fmt::format("  store {} = %{}\n", access_text(plan, nest, store.access), store.scalar);
  return text;
}

std::string varies_text(Varies v) {
  return v.member && v.sample ? "member,sample" : v.member ? "member" : v.sample ? "sample" : "none";
}

std::string place_text(const Place& place) {
  switch (place.kind) {
    case Place::Kind::global: return "global";
    case Place::Kind::shared:
      return fmt::format("shared at={} size={} samples={} stride={}", place.offset, place.size, place.sample_extent,
                         place.sample_stride);
    case Place::Kind::scratch:
      return fmt::format("scratch at={} size={} samples={} stride={}", place.offset, place.size, place.sample_extent,
                         place.sample_stride);
  }
  return "";
}

}  // namespace

std::string print(const Plan& plan) {
  std::string text = fmt::format("plan {} batch={} chunk={}{}\nschedule {}\n", plan.name, plan.batch, plan.chunk,
                                 plan.steps ? " steps" : "", print(plan.schedule));
  for (const PlanArgument& a : plan.arguments)
    text += fmt::format("argument {} {} {} varies={}{}{}\n", a.name, dtype_name(a.dtype), shape_text(a.shape), varies_text(a.varies),
                        a.is_output ? " output" : fmt::format(" {}", role_name(a.role)), a.written && !a.is_output ? " carried" : "");
  for (size_t v = 0; v < plan.values.size(); ++v)
    if (plan.values[v].argument < 0 && v < plan.places.size() && plan.places[v].first_nest >= 0)
      text += fmt::format("value {} {} {} {}\n", plan.values[v].name, dtype_name(plan.values[v].dtype),
                          shape_text(plan.values[v].dims), place_text(plan.places[v]));
  for (size_t n = 0; n < plan.nests.size(); ++n) text += nest_text(plan, plan.nests[n], plan.bindings[n]);
  return text;
}

}  // namespace shoal::plan
