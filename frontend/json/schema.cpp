// The JSON Schema of a spec. What only the reader can check (shapes that fit, names of layers) is left to it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compiler/ops/op.h"
#include "frontend/json/json.h"
#include "frontend/json/reference.h"
#include "frontend/json/sections.h"

namespace shoal {

namespace {

using json::Json;

Json ref(const std::string& name) { return Json::object({{"$ref", "#/$defs/" + name}}); }
Json texts(const std::vector<std::string>& names) { return Json::list({names.begin(), names.end()}); }
Json any_of(std::vector<Json> alternatives) { return Json::object({{"anyOf", Json::list(std::move(alternatives))}}); }

Json closed_object(Json properties, const std::vector<std::string>& required) {
  Json schema = Json::object({{"type", "object"}, {"properties", std::move(properties)}});
  if (!required.empty()) schema.set("required", texts(required));
  schema.set("additionalProperties", false);
  return schema;
}

Json list_of(Json items, int least) {
  return Json::object({{"type", "array"}, {"items", std::move(items)}, {"minItems", least}});
}

Json number(const char* type, const Limits& limits) {
  Json schema = Json::object({{"type", type}});
  if (std::isfinite(limits.low)) schema.set(limits.low_open ? "exclusiveMinimum" : "minimum", limits.low);
  if (std::isfinite(limits.high)) schema.set(limits.high_open ? "exclusiveMaximum" : "maximum", limits.high);
  return schema;
}

Json value_schema(const FieldInfo& field) {
  Json integer = number("integer", field.limits);
  switch (field.type) {
    case FieldType::number: return number("number", field.limits);
    case FieldType::integer: return integer;
    case FieldType::boolean: return Json::object({{"type", "boolean"}});
    case FieldType::text:
      return field.choices.empty() ? Json::object({{"type", "string"}})
                                   : Json::object({{"enum", texts(field.choices)}});
    case FieldType::pair: {
      Json pair = list_of(integer, 2);
      pair.set("maxItems", 2);
      return any_of({integer, pair});
    }
    case FieldType::list: return list_of(std::move(integer), 0);
    case FieldType::initializer: return ref("initializer");
  }
  return Json();
}

Json field_schema(const FieldInfo& field) {
  Json schema = value_schema(field);
  schema.set("description", field.doc);
  if (!field.default_text.empty()) schema.set("default", json::parse(field.default_text, field.name));
  return schema;
}

Json fields_schema(const OpInfo& info) {
  Json properties = Json::object();
  std::vector<std::string> required;
  for (const FieldInfo& field : info.fields) {
    properties.set(field.name, field_schema(field));
    if (field.limits.required) required.push_back(field.name);
  }
  Json schema = closed_object(std::move(properties), required);
  schema.set("description", info.doc);
  return schema;
}

// Ops that a mere name stands for.
std::vector<std::string> plain_names(const std::vector<OpKind>& kinds) {
  std::vector<std::string> names;
  for (const OpInfo& info : all_ops()) {
    const bool asks =
        std::any_of(info.fields.begin(), info.fields.end(), [](const auto& f) { return f.limits.required; });
    const bool wanted = std::find(kinds.begin(), kinds.end(), info.kind) != kinds.end();
    if (wanted && !asks && !info.many_inputs) names.push_back(info.name);
  }
  return names;
}

Json op_schema(OpKind kind) {
  std::vector<Json> forms{Json::object({{"enum", texts(plain_names({kind}))}})};
  for (const OpInfo& info : all_ops()) {
    if (info.kind != kind) continue;
    forms.push_back(closed_object(Json::object({{info.name, fields_schema(info)}}), {info.name}));
  }
  return any_of(std::move(forms));
}

Json layer_schema() {
  const Json name = Json::object({{"type", "string"}, {"pattern", "^[A-Za-z0-9_]+$"}});
  const Json text = Json::object({{"type", "string"}, {"minLength", 1}});
  std::vector<Json> forms{Json::object({{"enum", texts(plain_names({OpKind::layer, OpKind::activation}))}})};
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::layer && info.kind != OpKind::activation) continue;
    if (info.many_inputs) {
      const Json inputs = list_of(text, 2);
      forms.push_back(closed_object(Json::object({{info.name, inputs}, {"name", name}}), {info.name}));
      forms.push_back(closed_object(Json::object({{info.name, fields_schema(info)}, {"name", name}, {"input", inputs}}),
                                    {info.name, "input"}));
    } else {
      forms.push_back(closed_object(Json::object({{info.name, fields_schema(info)}, {"name", name}, {"input", text}}),
                                    {info.name}));
    }
  }
  return any_of(std::move(forms));
}

Json network_schema(Json layer) {
  const Json extent = number("integer", size_limits);
  Json shape = list_of(extent, 1);
  shape.set("maxItems", 8);
  std::vector<std::string> names;
  for (DType dtype : json::storages) names.emplace_back(dtype_name(dtype));
  const Json storage = Json::object({{"enum", texts(names)}, {"default", names[0]}});
  std::vector<std::string> arithmetics;
  for (const Precision each : precisions) arithmetics.emplace_back(precision_name(each));
  const Json precision = Json::object({{"enum", texts(arithmetics)}, {"default", arithmetics[0]}});
  const Json fast_math = Json::object({{"type", "boolean"}, {"default", false}});
  Json properties = Json::object({{"input", any_of({extent, shape})},
                                  {"storage", storage},
                                  {"precision", precision},
                                  {"fast_math", fast_math},
                                  {"layers", list_of(std::move(layer), 1)}});
  for (const auto& [key, text] : json::network_keys) properties.find(key)->set("description", text);
  return closed_object(std::move(properties), {"input", "layers"});
}

template <typename T, typename Table>
Json section_properties(const Table& table) {
  Json properties = Json::object();
  json::each_section_field<T>(
      table, [&](const auto&, const FieldInfo& field) { properties.set(field.name, field_schema(field)); });
  return properties;
}

Json training_schema() {
  Json schema = closed_object(section_properties<Training>(json::training_fields), {});
  schema.set("not", Json::object({{"required", texts({"epochs", "steps"})}}));
  return schema;
}

Json vary_schema() {
  const Json value = Json::object({{"type", "number"}});
  std::vector<Json> forms;
  for (const auto& [name, text] : json::vary_kinds) {
    const std::string kind = name;
    const bool range = kind == "log_uniform" || kind == "uniform";
    Json values = list_of(value, range ? 2 : 1);
    if (range) values.set("maxItems", 2);
    values.set("description", text);
    forms.push_back(closed_object(Json::object({{kind, values}}), {kind}));
  }
  return any_of(std::move(forms));
}

Json population_schema() {
  Json names = Json::object();
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::optimizer && info.kind != OpKind::loss) continue;
    for (const FieldInfo& field : info.fields) {
      if (!field.limits.may_vary) continue;
      names.set(fmt::format("{}.{}", op_kind_name(info.kind), field.name), ref("vary"));
    }
  }
  Json vary = Json::object({{"type", "object"}, {"properties", names}});
  vary.set("patternProperties", Json::object({{"^loss\\.[A-Za-z_][A-Za-z0-9_]*$", ref("vary")}}));  // of a formula
  vary.set("additionalProperties", false);
  Json properties = section_properties<Population>(json::population_fields);
  properties.set("vary", std::move(vary));
  return closed_object(std::move(properties), {});
}

Json data_schema() {
  const Json text = Json::object({{"type", "string"}, {"minLength", 1}});
  const Json column = any_of({text, Json::object({{"type", "integer"}})});
  const Json columns = any_of({column, list_of(column, 1)});
  const Json fraction = number("number", below_one);
  Json other = closed_object(Json::object({{"file", text}, {"x", columns}, {"y", columns}}), {});
  other.set("minProperties", 1);
  Json scale = any_of({Json::object({{"enum", texts({"none", "standard", "minmax"})}}),
                       Json::object({{"type", "number"}, {"not", Json::object({{"const", 0}})}})});
  Json properties = Json::object({{"file", text}, {"x", columns}, {"y", columns}});
  properties.set("validation", any_of({fraction, other}));
  properties.set("scale", std::move(scale));
  for (const auto& [key, text_of_key] : json::data_keys) {
    // A description beside a shared schema needs a place of its own.
    properties.find(key)->set("description", text_of_key);
  }
  return closed_object(std::move(properties), {"file"});
}

Json define_schema() {
  Json schema = Json::object({{"type", "object"}, {"additionalProperties", false}});
  const Json formula = Json::object({{"type", "string"}, {"minLength", 1}, {"maxLength", 4096}});
  schema.set("patternProperties", Json::object({{"^ *[A-Za-z_][A-Za-z0-9_]* *\\(.*\\) *$", formula}}));
  return schema;
}

// With a `define` block, names that the schema cannot know are ops as well.
Json own_op() {
  return any_of({Json::object({{"type", "string"}}),
                 Json::object({{"type", "object"}, {"minProperties", 1}, {"maxProperties", 3}})});
}

}  // namespace

std::string spec_schema() {
  Json properties = Json::object();
  for (const auto& [key, text] : json::spec_keys) properties.set(key, Json::object({{"description", text}}));
  const auto refine = [&](const char* key, const Json& schema) {
    for (size_t i = 0; i < schema.keys.size(); ++i) properties.find(key)->set(schema.keys[i], schema.items[i]);
  };
  refine("shoal", Json::object({{"const", 1}}));
  refine("name", Json::object({{"type", "string"}, {"minLength", 1}}));
  refine("metrics", list_of(ref("metric"), 0));
  for (const char* section : {"optimizer", "training", "population", "data", "define"}) refine(section, ref(section));

  Json defs = Json::object();
  defs.set("initializer", op_schema(OpKind::initializer));
  defs.set("layer", layer_schema());
  defs.set("loss", op_schema(OpKind::loss));
  defs.set("metric", op_schema(OpKind::metric));
  defs.set("optimizer", op_schema(OpKind::optimizer));
  defs.set("network", network_schema(ref("layer")));
  defs.set("network_with_formulas", network_schema(any_of({ref("layer"), own_op()})));
  defs.set("training", training_schema());
  defs.set("vary", vary_schema());
  defs.set("population", population_schema());
  defs.set("data", data_schema());
  defs.set("define", define_schema());

  Json schema = Json::object({{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "shoal spec"}});
  const Json body = closed_object(std::move(properties), {"shoal", "network"});
  for (size_t i = 0; i < body.keys.size(); ++i) schema.set(body.keys[i], body.items[i]);
  schema.set("if", Json::object({{"required", texts({"define"})}}));
  schema.set("then", Json::object({{"properties", Json::object({{"network", ref("network_with_formulas")},
                                                                {"loss", any_of({ref("loss"), own_op()})}})}}));
  schema.set("else",
             Json::object({{"properties", Json::object({{"network", ref("network")}, {"loss", ref("loss")}})}}));
  schema.set("$defs", std::move(defs));
  return json::print(schema);
}

}  // namespace shoal
