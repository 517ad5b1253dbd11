// Reads one configured op: its name is looked up in the registry and among formulas, its fields are set by name.
#include "frontend/json/read_op.h"

#include <algorithm>

namespace shoal::json {

namespace {

const OpNames& initializers() {
  static const OpNames names{.what = "initializer", .kinds = {OpKind::initializer}};
  return names;
}

FieldValue field_value(const Cursor& at, const FieldInfo& field) {
  if (field.type != FieldType::initializer) return scalar_field_value(at, field);
  auto initializer = read_op_as<Initializer>(at, initializers());
  try {
    // Relations between its fields (low <= high) show themselves only here.
    static_cast<void>(initializer->distribution(1, 1));
  } catch (const SpecError& error) {
    rethrow_at(error, at.place());
  }
  return initializer;
}

}  // namespace

std::unique_ptr<Op> OpNames::make(const Cursor& at, const std::string& name) const {
  for (const OpKind kind : kinds)
    if (const OpInfo* info = find_op(kind, name)) return info->make();
  std::vector<std::string> known;
  for (const OpKind kind : kinds)
    for (std::string& other : op_names(kind)) known.push_back(std::move(other));
  if (formulas) {
    const bool is_loss = std::find(kinds.begin(), kinds.end(), OpKind::loss) != kinds.end();
    for (const Formula& formula : *formulas) {
      known.push_back(formula.name);
      if (formula.name != name) continue;
      try {
        if (is_loss) return formula_loss(formula);
        return formula_layer(formula);
      } catch (const SpecError& error) {
        rethrow_at(error, at.place());
      }
    }
  }
  fail(at, fmt::format("unknown {} '{}'{}", what, name, suggestion(name, known)));
}

void read_fields(const Cursor& at, Op& op) {
  const std::string& name = op.info().name;
  if (!at->is(Json::Kind::object)) fail_expected(at, fmt::format("an object with the fields of {}", name));
  for (size_t i = 0; i < at->keys.size(); ++i) {
    const Cursor value = at.item(i);
    const FieldInfo* field = op.info().field(at->keys[i]);
    // An unknown field goes to set() as well, which knows the near names.
    const Problem problem = op.set(at->keys[i], field ? field_value(value, *field) : FieldValue(false));
    if (problem) fail(value, *problem);
  }
  if (const auto missing = op.missing()) {
    fail_expected({nullptr, pointer_child(at.pointer, *missing)}, op.info().field(*missing)->expected());
  }
}

std::unique_ptr<Op> read_op(const Cursor& at, const OpNames& names) {
  if (at->is(Json::Kind::text)) {
    auto op = names.make(at, at->text);
    if (const auto missing = op->missing()) {
      fail(at, fmt::format("{0} needs its fields: {{\"{0}\": {{\"{1}\": ...}}}}", at->text, *missing));
    }
    return op;
  }
  if (!at->is(Json::Kind::object) || at->keys.size() != 1) {
    fail_expected(at, fmt::format("a name or an object with one {} as key", names.what));
  }
  auto op = names.make(at, at->keys[0]);
  read_fields(at.item(0), *op);
  return op;
}

}  // namespace shoal::json
