// Reads a whole spec: the sections in an order in which each finds what it refers to, then the model as a whole.
#include "compiler/support/error.h"
#include "frontend/json/override.h"
#include "frontend/json/read_op.h"
#include "frontend/json/read_sections.h"
#include "frontend/json/sections.h"
#include "frontend/json/spec.h"

namespace shoal {

namespace {

using namespace json;

constexpr int64_t most_parameters = int64_t{1} << 31;  // of a member
constexpr int64_t most_population = int64_t{1} << 45;  // numbers of a population: far more than any memory

void check_version(const Cursor& at) {
  const Cursor version = need(at, "shoal", "1, the version of the format");
  if (!version->is(Json::Kind::integer) || version->integer != 1)
    fail_expected(version, "1, the version of the format");
}

Model read_model(const Cursor& at, const std::vector<Formula>& formulas) {
  Model model;
  if (const auto name = find(at, "name")) model.name = read_text(*name, "a name");
  model.network = read_network(need(at, "network", "an object with \"input\" and \"layers\""), formulas);
  if (const auto loss = find(at, "loss")) {
    const OpNames names{.what = "loss", .kinds = {OpKind::loss}, .formulas = &formulas};
    model.loss = read_op_as<Loss>(*loss, names);
  }
  if (const auto metrics = find(at, "metrics")) {
    if (!metrics->value->is(Json::Kind::list)) fail_expected(*metrics, "a list of metrics");
    const OpNames names{.what = "metric", .kinds = {OpKind::metric}};
    for (size_t i = 0; i < metrics->value->items.size(); ++i) {
      model.metrics.push_back(read_op_as<Metric>(metrics->item(i), names));
      for (size_t k = 0; k < i; ++k) {
        const std::string& name = model.metrics[i]->info().name;
        if (model.metrics[k]->info().name == name) fail(metrics->item(i), fmt::format("'{}' stands here twice", name));
      }
    }
    if (!model.loss && !model.metrics.empty())
      fail(*metrics, "metrics need a \"loss\", which says what the targets are");
  }
  if (const auto optimizer = find(at, "optimizer")) {
    model.optimizer = read_op_as<Optimizer>(*optimizer, {.what = "optimizer", .kinds = {OpKind::optimizer}});
    if (!model.loss) fail(*optimizer, "an optimizer needs a \"loss\" to minimise");
  }
  return model;
}

void check_sizes(const Spec& spec, int64_t parameters) {
  if (parameters > most_parameters)
    throw SpecError("/network", fmt::format("expected at most {} parameters, got more", most_parameters));
  if (parameters > 0 && spec.population.members > most_population / parameters) {
    throw SpecError("/population/members", fmt::format("{} members of {} parameters are too many to hold",
                                                       spec.population.members, parameters));
  }
}

}  // namespace

Spec read_spec(std::string_view text, const std::string& source, const std::vector<std::string>& overrides) {
  Json document = parse(text, source);
  for (const std::string& assignment : overrides) apply_override(document, assignment);
  const Cursor at{&document, ""};
  check_keys(at, "an object", key_names(spec_keys));
  check_version(at);

  Spec spec;
  if (const auto define = find(at, "define")) spec.define = read_define(*define);
  spec.model = read_model(at, spec.define);
  if (const auto training = find(at, "training")) spec.training = read_training(*training);
  if (const auto population = find(at, "population")) spec.population = read_population(*population, spec.model);
  if (const auto data = find(at, "data")) spec.data = read_data(*data);
  for (const Vary& vary : spec.population.vary) spec.model.varied.push_back(vary.name);

  check_sizes(spec, validate(spec.model).parameters);
  return spec;
}

}  // namespace shoal
