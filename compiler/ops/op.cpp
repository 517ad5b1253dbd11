// The registry of ops, the canonical text of a configured op, and the numeric fields that vary over the population.
#include "compiler/ops/op.h"

#include <fmt/ranges.h>

#include "compiler/ops/define_op.h"

namespace shoal {

#define SHOAL_OP(kind, Struct) const OpInfo& op_info_##Struct();
#include "compiler/ops/list.inc"
#undef SHOAL_OP

std::string_view op_kind_name(OpKind kind) {
  switch (kind) {
    case OpKind::layer: return "layer";
    case OpKind::activation: return "activation";
    case OpKind::loss: return "loss";
    case OpKind::optimizer: return "optimizer";
    case OpKind::initializer: return "initializer";
    case OpKind::metric: return "metric";
  }
  return "";
}

const FieldInfo* OpInfo::field(std::string_view field_name) const {
  for (const FieldInfo& f : fields) {
    if (f.name == field_name) return &f;
  }
  return nullptr;
}

const std::vector<OpInfo>& all_ops() {
  static const std::vector<OpInfo> ops{
#define SHOAL_OP(kind, Struct) op_info_##Struct(),
#include "compiler/ops/list.inc"
#undef SHOAL_OP
  };
  return ops;
}

InitializerRef default_initializer(std::string_view name) {
  // Not through all_ops(): the rows of ops with initializer fields are made with these defaults.
  std::shared_ptr<const Op> op;
#define SHOAL_OP(row_kind, Struct)                                       \
  if constexpr (OpKind::row_kind == OpKind::initializer) {               \
    if (op_info_##Struct().name == name) op = op_info_##Struct().make(); \
  }
#include "compiler/ops/list.inc"
#undef SHOAL_OP
  check(op != nullptr, "no initializer {}", name);
  return std::static_pointer_cast<const Initializer>(op);
}

const OpInfo* find_op(OpKind kind, std::string_view name) {
  for (const OpInfo& info : all_ops()) {
    if (info.kind == kind && info.name == name) return &info;
  }
  return nullptr;
}

const OpInfo* find_layer(std::string_view name) {
  const OpInfo* layer = find_op(OpKind::layer, name);
  return layer ? layer : find_op(OpKind::activation, name);
}

std::vector<std::string> op_names(OpKind kind) {
  std::vector<std::string> names;
  for (const OpInfo& info : all_ops()) {
    if (info.kind == kind) names.push_back(info.name);
  }
  return names;
}

std::vector<std::string> layer_names() {
  std::vector<std::string> names = op_names(OpKind::layer);
  for (std::string& name : op_names(OpKind::activation)) names.push_back(std::move(name));
  return names;
}

std::string unknown_field(const OpInfo& info, std::string_view field) {
  std::vector<std::string> names;
  for (const FieldInfo& f : info.fields) names.push_back(f.name);
  const std::string nearest = nearest_name(field, names);
  if (!nearest.empty()) return fmt::format("no such field; did you mean \"{}\"?", nearest);
  if (names.empty()) return fmt::format("no such field; {} has none", info.name);
  return fmt::format("no such field; {} has {}", info.name, fmt::join(names, ", "));
}

std::string Op::text() const {
  std::vector<std::string> changed;
  for (const FieldInfo& field : info().fields) {
    const std::string value = field_value_text(get(field.name));
    if (value != field.default_text) changed.push_back(fmt::format("\"{}\":{}", field.name, value));
  }
  return fmt::format("{{\"{}\":{{{}}}}}", info().name, fmt::join(changed, ","));
}

bool Hyper::varied(std::string_view field) const { return varied_.count(fmt::format("{}.{}", prefix_, field)) != 0; }

Value Hyper::operator()(std::string_view field) const {
  if (varied(field)) {
    auto found = inputs_.find(field);
    if (found == inputs_.end()) {
      const Value input = scope_.input(fmt::format("{}.{}", prefix_, field), Role::hyper, {}, {.member = true});
      found = inputs_.emplace(std::string(field), input).first;
    }
    return found->second;
  }
  return scope_.constant(std::get<double>(op_.get(field)));
}

bool Hyper::is_zero(std::string_view field) const { return !varied(field) && std::get<double>(op_.get(field)) == 0; }

}  // namespace shoal
