// Ops and reference cases from JSON, for the tests that compare with PyTorch's figures.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "compiler/ops/op.h"
#include "compiler/support/error.h"
#include "tests/harness/source_directory.h"

namespace shoal::test {

using nlohmann::json;

inline json load_reference(const std::string& file) {
  std::ifstream stream(harness::source_directory() + "/tests/reference/data/" + file);
  if (!stream) throw RuntimeError("cannot read tests/reference/data/" + file);
  return json::parse(stream);
}

inline FieldValue field_value(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  return value.get<std::vector<int64_t>>();
}

// {"dense": {"units": 3}} as an op of one of the kinds.
template <typename Kind>
std::shared_ptr<const Kind> op_from_json(const json& spec, std::initializer_list<OpKind> kinds) {
  const std::string name = spec.begin().key();
  const OpInfo* info = nullptr;
  for (const OpKind kind : kinds) info = info ? info : find_op(kind, name);
  if (!info) throw SpecError(name, "no such op");
  const std::shared_ptr<Op> op = info->make();
  for (const auto& [field, value] : spec.begin().value().items()) {
    if (const Problem problem = op->set(field, field_value(value))) throw SpecError(name + "/" + field, *problem);
  }
  return std::dynamic_pointer_cast<const Kind>(op);
}

inline std::shared_ptr<const Layer> layer_from_json(const json& spec) {
  return op_from_json<Layer>(spec, {OpKind::layer, OpKind::activation});
}
inline std::shared_ptr<const Loss> loss_from_json(const json& spec) { return op_from_json<Loss>(spec, {OpKind::loss}); }
inline std::shared_ptr<const Optimizer> optimizer_from_json(const json& spec) {
  return op_from_json<Optimizer>(spec, {OpKind::optimizer});
}

}  // namespace shoal::test
