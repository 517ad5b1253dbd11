// Prints a spec back, every default written out; and compares specs.
#include <fmt/ranges.h>

#include <algorithm>

#include "frontend/json/json.h"
#include "frontend/json/sections.h"
#include "frontend/json/spec.h"

namespace shoal {

std::string_view vary_kind_name(Vary::Kind kind) {
  switch (kind) {
    case Vary::Kind::log_uniform: return "log_uniform";
    case Vary::Kind::uniform: return "uniform";
    case Vary::Kind::choice: return "choice";
    case Vary::Kind::grid: return "grid";
    case Vary::Kind::list: return "list";
  }
  return "";
}

namespace {

using json::Json;

Json fields_json(const Op& op);

Json field_json(const FieldValue& value) {
  struct Writer {
    Json operator()(bool v) const { return v; }
    Json operator()(int64_t v) const { return v; }
    Json operator()(double v) const { return v; }
    Json operator()(const std::string& v) const { return v; }
    Json operator()(const std::vector<int64_t>& v) const { return Json::list({v.begin(), v.end()}); }
    Json operator()(const InitializerRef& v) const { return Json::object({{v->info().name, fields_json(*v)}}); }
  };
  return std::visit(Writer{}, value);
}

Json fields_json(const Op& op) {
  Json fields = Json::object();
  for (const FieldInfo& field : op.info().fields) fields.set(field.name, field_json(op.get(field.name)));
  return fields;
}

Json op_json(const Op& op) {
  if (op.info().fields.empty()) return op.info().name;
  return Json::object({{op.info().name, fields_json(op)}});
}

Json texts_json(const std::vector<std::string>& texts) { return Json::list({texts.begin(), texts.end()}); }
Json texts_or_one(const std::vector<std::string>& texts) {
  return texts.size() == 1 ? Json(texts[0]) : texts_json(texts);
}

Json layer_json(const LayerSpec& layer) {
  const OpInfo& info = layer.op->info();
  const bool inputs_inside = info.many_inputs && info.fields.empty();  // {"add": ["a", "b"]}
  if (!inputs_inside && layer.name.empty() && layer.inputs.empty()) return op_json(*layer.op);
  Json json = Json::object();
  json.set(info.name, inputs_inside ? texts_json(layer.inputs) : fields_json(*layer.op));
  if (!layer.name.empty()) json.set("name", layer.name);
  if (!inputs_inside && !layer.inputs.empty()) {
    json.set("input", info.many_inputs ? texts_json(layer.inputs) : Json(layer.inputs[0]));
  }
  return json;
}

Json network_json(const Network& network) {
  Json layers = Json::list();
  for (const LayerSpec& layer : network.layers) layers.items.push_back(layer_json(layer));
  return Json::object({{"input", Json::list({network.input.begin(), network.input.end()})},
                       {"storage", std::string(dtype_name(network.storage))},
                       {"precision", std::string(precision_name(network.permits.precision))},
                       {"fast_math", network.permits.fast_math},
                       {"layers", layers}});
}

template <typename T, typename Table>
Json section_json(const Table& table, const T& section) {
  Json json = Json::object();
  json::each_section_field<T>(table, [&](const auto& f, const FieldInfo& info) {
    // A zero below the limit stands for "not given": epochs beside steps.
    if (static_cast<double>(section.*f.member) >= info.limits.low) json.set(info.name, section.*f.member);
  });
  return json;
}

Json population_json(const Population& population) {
  Json json = section_json(json::population_fields, population);
  if (population.vary.empty()) return json;
  Json vary = Json::object();
  for (const Vary& v : population.vary) {
    vary.set(v.name,
             Json::object({{std::string(vary_kind_name(v.kind)), Json::list({v.values.begin(), v.values.end()})}}));
  }
  json.set("vary", std::move(vary));
  return json;
}

Json scale_json(const Data& data) {
  switch (data.scale) {
    case Scaling::none: return "none";
    case Scaling::standard: return "standard";
    case Scaling::minmax: return "minmax";
    case Scaling::divide: return data.divisor;
  }
  return "none";
}

void set_columns(Json& json, const char* key, const std::vector<std::string>& columns) {
  if (!columns.empty()) json.set(key, texts_or_one(columns));
}

Json data_json(const Data& data) {
  Json json = Json::object({{"file", data.file}});
  set_columns(json, "x", data.x);
  set_columns(json, "y", data.y);
  Json validation = data.validation.fraction;
  if (data.validation.separate()) {
    validation = Json::object();
    if (!data.validation.file.empty()) validation.set("file", data.validation.file);
    set_columns(validation, "x", data.validation.x);
    set_columns(validation, "y", data.validation.y);
  }
  json.set("validation", std::move(validation));
  json.set("scale", scale_json(data));
  return json;
}

Json define_json(const std::vector<Formula>& formulas) {
  Json json = Json::object();
  for (const Formula& f : formulas) json.set(fmt::format("{}({})", f.name, fmt::join(f.parameters, ", ")), f.text);
  return json;
}

template <typename T>
bool same_op(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  if (!a || !b) return a == b;
  return a->info().kind == b->info().kind && a->text() == b->text();
}

bool same_layer(const LayerSpec& a, const LayerSpec& b) {
  return a.name == b.name && a.inputs == b.inputs && same_op(a.op, b.op);
}

bool same_formula(const Formula& a, const Formula& b) {
  return a.name == b.name && a.parameters == b.parameters && a.text == b.text;
}

bool same_model(const Model& a, const Model& b) {
  const auto &la = a.network.layers, &lb = b.network.layers;
  return a.name == b.name && a.network.input == b.network.input && a.network.storage == b.network.storage &&
         a.network.permits == b.network.permits && std::equal(la.begin(), la.end(), lb.begin(), lb.end(), same_layer) &&
         same_op(a.loss, b.loss) && same_op(a.optimizer, b.optimizer) && a.varied == b.varied &&
         std::equal(a.metrics.begin(), a.metrics.end(), b.metrics.begin(), b.metrics.end(), same_op<Metric>);
}

}  // namespace

std::string to_json(const Spec& spec) {
  const Model& model = spec.model;
  Json json = Json::object({{"shoal", 1}, {"name", model.name}, {"network", network_json(model.network)}});
  if (model.loss) json.set("loss", op_json(*model.loss));
  if (!model.metrics.empty()) {
    Json metrics = Json::list();
    for (const auto& metric : model.metrics) metrics.items.push_back(op_json(*metric));
    json.set("metrics", std::move(metrics));
  }
  if (model.optimizer) json.set("optimizer", op_json(*model.optimizer));
  if (spec.training) json.set("training", section_json(json::training_fields, *spec.training));
  json.set("population", population_json(spec.population));
  if (spec.data) json.set("data", data_json(*spec.data));
  if (!spec.define.empty()) json.set("define", define_json(spec.define));
  return json::print(json);
}

bool operator==(const Spec& a, const Spec& b) {
  return same_model(a.model, b.model) && a.training == b.training && a.population == b.population && a.data == b.data &&
         std::equal(a.define.begin(), a.define.end(), b.define.begin(), b.define.end(), same_formula);
}

}  // namespace shoal
