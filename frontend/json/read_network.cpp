// Reads the network: the input's shape and the list of layers with their names and inputs.
#include <algorithm>

#include "frontend/json/read_op.h"
#include "frontend/json/read_sections.h"
#include "frontend/json/sections.h"

namespace shoal::json {

namespace {

constexpr int64_t most_elements = int64_t{1} << 31;
constexpr size_t most_dimensions = 8;
constexpr size_t most_layers = 4096;
constexpr size_t longest_formula = 4096;  // bounds the nesting of its expression

FieldInfo dimension_field() {
  FieldInfo field;
  field.type = FieldType::integer;
  field.limits = size_limits;
  return field;
}

int64_t read_dimension(const Cursor& at) {
  int64_t extent = 0;
  const FieldInfo field = dimension_field();
  if (const Problem problem = assign_field(field, scalar_field_value(at, field), &extent)) fail(at, *problem);
  return extent;
}

Shape read_shape(const Cursor& at) {
  if (at->is(Json::Kind::integer)) return {read_dimension(at)};
  if (!at->is(Json::Kind::list) || at->items.empty() || at->items.size() > most_dimensions) {
    fail_expected(at, fmt::format("a positive integer or a list of 1 to {} of them", most_dimensions));
  }
  Shape shape;
  int64_t elements = 1;
  for (size_t i = 0; i < at->items.size(); ++i) {
    shape.push_back(read_dimension(at.item(i)));
    // Both factors are at most 2^31, so the product cannot overflow.
    elements *= shape.back();
    if (elements > most_elements) fail(at, fmt::format("expected at most {} elements, got more", most_elements));
  }
  return shape;
}

std::vector<std::string> read_inputs(const Cursor& at, bool many) {
  const std::string name = "the name of an earlier layer or \"input\"";
  if (!many) {
    if (!at->is(Json::Kind::text)) fail_expected(at, name);
    return {read_text(at, name)};
  }
  if (!at->is(Json::Kind::list) || at->items.size() < 2) fail_expected(at, "a list of two or more names of layers");
  std::vector<std::string> names;
  for (size_t i = 0; i < at->items.size(); ++i) names.push_back(read_text(at.item(i), name));
  return names;
}

bool is_attribute(const std::string& key) { return key == "name" || key == "input"; }

LayerSpec read_layer(const Cursor& at, const std::vector<Formula>& formulas) {
  const OpNames names{.what = "layer", .kinds = {OpKind::layer, OpKind::activation}, .formulas = &formulas};
  LayerSpec layer;
  layer.place = at.place();
  if (at->is(Json::Kind::text)) {
    layer.op = read_op_as<Layer>(at, names);
  } else {
    if (!at->is(Json::Kind::object)) fail_expected(at, "a name or an object with one layer as key");
    const auto ops =
        std::count_if(at->keys.begin(), at->keys.end(), [](const auto& key) { return !is_attribute(key); });
    if (ops == 0) fail(at, "expected a layer beside \"name\" and \"input\", got none");
    std::shared_ptr<Op> op;
    for (size_t i = 0; i < at->keys.size(); ++i) {
      const std::string& key = at->keys[i];
      if (is_attribute(key)) continue;
      if (op) fail(at, fmt::format("expected one layer, got '{}' and '{}'", op->info().name, key));
      op = names.make(at, key);
      const Cursor body = at.item(i);
      if (op->info().many_inputs && body->is(Json::Kind::list)) {
        layer.inputs = read_inputs(body, true);
      } else {
        read_fields(body, *op);
      }
    }
    layer.op = std::dynamic_pointer_cast<const Layer>(op);
    check(layer.op != nullptr, "{} is no layer", op->info().name);
    if (const auto name = find(at, "name")) layer.name = read_name(*name, "a name");
    if (const auto input = find(at, "input")) {
      if (!layer.inputs.empty()) fail(*input, fmt::format("{} has its inputs in its list", layer.op->info().name));
      layer.inputs = read_inputs(*input, layer.op->info().many_inputs);
    }
  }
  if (layer.op->info().many_inputs && layer.inputs.empty()) {
    fail(at, fmt::format("expected the layers to combine, {{\"{}\": [\"a\", \"b\"]}}", layer.op->info().name));
  }
  return layer;
}

DType read_storage(const Cursor& at) {
  if (at->is(Json::Kind::text))
    for (DType storage : storages)
      if (at->text == dtype_name(storage)) return storage;
  fail_expected(at, "\"f32\", \"f16\" or \"bf16\"");
}

Precision read_precision(const Cursor& at) {
  if (at->is(Json::Kind::text))
    for (const Precision precision : precisions)
      if (at->text == precision_name(precision)) return precision;
  fail_expected(at, "\"f32\", \"f32x3\", \"tf32\" or \"bf16\"");
}

bool read_fast_math(const Cursor& at) {
  if (!at->is(Json::Kind::boolean)) fail_expected(at, "true or false");
  return at->boolean;
}

}  // namespace

Network read_network(const Cursor& at, const std::vector<Formula>& formulas) {
  check_keys(at, "an object with \"input\" and \"layers\"", key_names(network_keys));
  Network network;
  network.input = read_shape(need(at, "input", "the shape of one sample"));
  if (const auto storage = find(at, "storage")) network.storage = read_storage(*storage);
  if (const auto precision = find(at, "precision")) network.permits.precision = read_precision(*precision);
  if (const auto fast = find(at, "fast_math")) network.permits.fast_math = read_fast_math(*fast);
  const Cursor layers = need(at, "layers", "a list of layers");
  if (!layers->is(Json::Kind::list) || layers->items.empty()) fail_expected(layers, "a list of one or more layers");
  if (layers->items.size() > most_layers)
    fail(layers, fmt::format("expected at most {} layers, got more", most_layers));
  for (size_t i = 0; i < layers->items.size(); ++i) network.layers.push_back(read_layer(layers.item(i), formulas));
  return network;
}

std::vector<Formula> read_define(const Cursor& at) {
  if (!at->is(Json::Kind::object)) fail_expected(at, "an object of formulas, {\"swish(x)\": \"x * sigmoid(x)\"}");
  std::vector<Formula> formulas;
  for (size_t i = 0; i < at->keys.size(); ++i) {
    const Cursor text = at.item(i);
    if (!text->is(Json::Kind::text)) fail_expected(text, "a formula such as \"x * sigmoid(x)\"");
    if (text->text.size() > longest_formula) fail(text, fmt::format("expected at most {} characters", longest_formula));
    try {
      formulas.push_back(parse_formula(at->keys[i], text->text));
    } catch (const SpecError& error) {
      rethrow_at(error, text.place());
    }
    const std::string& name = formulas.back().name;
    if (is_attribute(name)) fail(text, fmt::format("'{}' already means something in a layer", name));
    if (find_layer(name) || find_op(OpKind::loss, name)) fail(text, fmt::format("'{}' is built in already", name));
    for (size_t k = 0; k + 1 < formulas.size(); ++k) {
      if (formulas[k].name == name) fail(text, fmt::format("'{}' is defined twice", name));
    }
  }
  return formulas;
}

}  // namespace shoal::json
