// References and defaults of the plan's text.
#include "compiler/plan/text_names.h"

#include <fmt/format.h>

#include <map>

#include "compiler/graph/names.h"
#include "compiler/support/text.h"

namespace shoal::plan {

std::string name_text(const std::string& name) { return is_identifier(name) ? name : quoted_text(name); }

std::vector<std::string> reference_texts(const std::vector<std::string>& names) {
  std::map<std::string, int> count;
  for (const std::string& name : names) ++count[name];
  std::vector<std::string> texts;
  for (size_t i = 0; i < names.size(); ++i)
    texts.push_back(count[names[i]] == 1 ? name_text(names[i]) : fmt::format("{}@{}", name_text(names[i]), i));
  return texts;
}

std::vector<std::string> value_names(const Plan& plan) {
  std::vector<std::string> names;
  for (const Value& value : plan.values) names.push_back(value.name);
  return names;
}

std::vector<std::string> axis_names(const Nest& nest) {
  std::vector<std::string> names;
  for (const Axis& axis : nest.axes) names.push_back(axis.name);
  for (size_t q = 0; q < nest.quotients.size(); ++q) names.push_back(fmt::format("q{}", q));
  return names;
}

DType default_dtype(const std::vector<Value>& values, const Scalar& scalar) {
  switch (scalar.kind) {
    case Scalar::Kind::coordinate:
    case Scalar::Kind::position:
    case Scalar::Kind::step: return DType::i32;
    case Scalar::Kind::load: return values[scalar.access.value].dtype;
    case Scalar::Kind::constant:
    case Scalar::Kind::primitive:
    case Scalar::Kind::guarded:
    case Scalar::Kind::accumulator: return DType::f32;
  }
  return DType::f32;
}

void lay_out_densely(const Value& value, Place& place) {
  int64_t stride = value.samples_innermost ? place.sample_extent : 1;
  place.strides.assign(value.dims.size(), 0);
  for (size_t d = value.dims.size(); d-- > 0;) {
    place.strides[d] = stride;
    stride *= value.dims[d];
  }
  place.sample_stride = !value.varies.sample ? 0 : value.samples_innermost ? 1 : stride;
  place.size = value.samples_innermost ? stride : stride * place.sample_extent;
}

}  // namespace shoal::plan
