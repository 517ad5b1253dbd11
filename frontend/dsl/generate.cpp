// Writes the C++ forms of all ops. They are generated since an op's struct is private to its file, and a caller of the
// installed library should see no more of it than its fields.
#include "frontend/dsl/generate.h"

#include "compiler/ops/op.h"
#include "compiler/support/error.h"

namespace shoal {

namespace {

const char* cpp_type(FieldType type) {
  switch (type) {
    case FieldType::number: return "double";
    case FieldType::integer: return "int64_t";
    case FieldType::boolean: return "bool";
    case FieldType::text: return "std::string";
    case FieldType::pair: return "Pair";
    case FieldType::list: return "std::vector<int64_t>";
    case FieldType::initializer: return "InitializerRef";
  }
  return "";
}

// The C++ initialiser of a default that is written as JSON.
std::string cpp_default(const FieldInfo& field) {
  if (field.limits.required || field.type == FieldType::initializer) return "{}";
  std::string text = field.default_text;
  if (field.type != FieldType::pair && field.type != FieldType::list) return text;
  text.front() = '{';
  text.back() = '}';
  return text;
}

std::string camel_case(const std::string& name) {
  std::string camel;
  bool upper = true;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    camel += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return camel;
}

bool is_layer(const OpInfo& info) { return info.kind == OpKind::layer || info.kind == OpKind::activation; }

const char* interface_of(OpKind kind) {
  switch (kind) {
    case OpKind::layer:
    case OpKind::activation: return "Layer";
    case OpKind::loss: return "Loss";
    case OpKind::optimizer: return "Optimizer";
    case OpKind::initializer: return "Initializer";
    case OpKind::metric: return "Metric";
  }
  return "";
}

std::string make_call(const OpInfo& info) {
  std::string fields;
  for (const FieldInfo& field : info.fields) {
    const char* separator = fields.empty() ? "" : ", ";
    // A pair is a list to whoever sets a field by name.
    const std::string value =
        field.type == FieldType::pair ? fmt::format("f.{}.list()", field.name) : fmt::format("f.{}", field.name);
    fields += fmt::format("{}{{\"{}\", {}}}", separator, field.name, value);
  }
  return fmt::format("make<{}>(OpKind::{}, \"{}\", {{{}}})", interface_of(info.kind), op_kind_name(info.kind),
                     info.name, fields);
}

// Positional arguments: the required fields; or the first field when none is required.
std::vector<const FieldInfo*> positional(const OpInfo& info) {
  std::vector<const FieldInfo*> fields;
  for (const FieldInfo& field : info.fields) {
    if (field.limits.required) fields.push_back(&field);
  }
  if (fields.empty() && !info.fields.empty()) fields.push_back(&info.fields.front());
  return fields;
}

std::string op_text(const OpInfo& info) {
  const std::string fields_type = camel_case(info.name);
  const std::string result =
      is_layer(info) ? "LayerExpr" : fmt::format("std::shared_ptr<const {}>", interface_of(info.kind));
  const std::string inputs = info.many_inputs ? "std::vector<std::string> inputs" : "";
  std::string value = make_call(info);
  if (is_layer(info)) value = fmt::format("LayerExpr({}{})", value, info.many_inputs ? ", std::move(inputs)" : "");

  if (info.fields.empty()) {
    return fmt::format("// {}\ninline {} {}({}) {{ return {}; }}\n\n", info.doc, result, info.name, inputs, value);
  }
  bool all_optional = true;
  std::string text = fmt::format("// {}\nstruct {} {{\n", info.doc, fields_type);
  for (const FieldInfo& field : info.fields) {
    all_optional = all_optional && !field.limits.required;
    const std::string standard = field.type == FieldType::initializer ? "; empty: " + field.default_text : "";
    text += fmt::format("  // {}: {}{}\n  {} {} = {};\n", field.doc, field.expected(), standard, cpp_type(field.type),
                        field.name, cpp_default(field));
  }
  text += "};\n";
  const std::string comma = info.many_inputs ? ", " : "";
  text += fmt::format("inline {} {}({}{}const {}& f{}) {{ return {}; }}\n", result, info.name, inputs, comma,
                      fields_type, all_optional ? " = {}" : "", value);
  std::string parameters, initializers;
  for (const FieldInfo* field : positional(info)) {
    parameters += fmt::format("{}{} {}", parameters.empty() ? "" : ", ", cpp_type(field->type), field->name);
    const std::string moved = field->type == FieldType::text ? fmt::format("std::move({})", field->name) : field->name;
    initializers += fmt::format("{}.{} = {}", initializers.empty() ? "" : ", ", field->name, moved);
  }
  return text + fmt::format("inline {} {}({}{}{}) {{ return {}({}{}{{{}}}); }}\n\n", result, info.name, inputs, comma,
                            parameters, info.name, info.many_inputs ? "std::move(inputs), " : "", fields_type,
                            initializers);
}

// Layers and activations are written bare; the other kinds have namespaces, since names recur ("mae").
std::string kind_text(const std::vector<OpKind>& kinds, const std::string& name_space) {
  std::string text;
  if (!name_space.empty()) text += fmt::format("namespace {} {{\n\n", name_space);
  for (const OpKind kind : kinds) {
    for (const OpInfo& info : all_ops()) {
      if (info.kind == kind) text += op_text(info);
    }
  }
  if (!name_space.empty()) text += fmt::format("}}  // namespace {}\n\n", name_space);
  return text;
}

}  // namespace

std::string dsl_header() {
  std::string text =
      "// The C++ forms of all ops. Generated by `shoal_generate` from the registry; edit the ops. Included by dsl.h.\n"
      "// clang-format off\n"
      "#pragma once\n\n"
      "#include \"frontend/dsl/dsl.h\"\n\n"
      "namespace shoal::dsl {\n\n";
  text += kind_text({OpKind::initializer}, "initializer");
  text += kind_text({OpKind::layer, OpKind::activation}, "");
  text += kind_text({OpKind::loss}, "loss");
  text += kind_text({OpKind::metric}, "metric");
  text += kind_text({OpKind::optimizer}, "optimizer");
  return text + "}  // namespace shoal::dsl\n";
}

}  // namespace shoal
