// Checks of a whole model before any program is made of it: shapes, targets of the loss, names that vary.
#include <fmt/ranges.h>

#include <algorithm>

#include "compiler/programs/network.h"
#include "compiler/programs/parts.h"
#include "compiler/support/error.h"

namespace shoal {

namespace {

void check_varied(const Model& model) {
  std::vector<std::string> allowed;
  const auto collect = [&](const char* prefix, const Op* op) {
    if (!op) return;
    for (const FieldInfo& field : op->info().fields) {
      if (field.limits.may_vary) allowed.push_back(fmt::format("{}.{}", prefix, field.name));
    }
  };
  collect("optimizer", model.optimizer.get());
  collect("loss", model.loss.get());
  for (size_t i = 0; i < model.varied.size(); ++i) {
    const std::string& name = model.varied[i];
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
      const std::string nearest = nearest_name(name, allowed);
      throw SpecError("/vary/" + name, nearest.empty()
                                           ? fmt::format("expected one of {}", fmt::join(allowed, ", "))
                                           : fmt::format("no such hyperparameter; did you mean \"{}\"?", nearest));
    }
    if (std::find(model.varied.begin(), model.varied.begin() + static_cast<std::ptrdiff_t>(i), name) !=
        model.varied.begin() + static_cast<std::ptrdiff_t>(i)) {
      throw SpecError("/vary/" + name, "named twice");
    }
  }
}

void check_metric_names(const Model& model) {
  for (size_t i = 0; i < model.metrics.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (model.metrics[i] && model.metrics[j] && model.metrics[i]->info().name == model.metrics[j]->info().name) {
        throw SpecError(fmt::format("/metrics/{}", i), "named twice");
      }
    }
  }
}

}  // namespace

Sizes validate(const Model& model) {
  check_varied(model);
  check_metric_names(model);
  Graph graph;
  Scope scope(graph);
  Sizes sizes;
  sizes.output = expand(scope, model.network, declare_input(scope, model.network, {.sample = true})).shape();
  for (const Parameter& parameter : scope.parameters()) sizes.parameters += element_count(parameter.shape);
  if (!model.loss) return sizes;
  const Value prediction = scope.input("prediction", Role::input, sizes.output, {.member = true, .sample = true});
  const Value target = target_like(scope, model, sizes.output);
  batch_loss(scope, model, prediction, target);
  for (const Value& metric : batch_metrics(scope, model, prediction, target))
    check(metric.shape().empty(), "a metric has rank 0");
  if (model.optimizer) {
    if (scope.parameters().empty()) throw SpecError("/network", "has no parameters to train");
    // Expands the update of a parameter for its own checks (nesterov without momentum, ...).
    const Value w = scope.parameter("probe", {}, "{\"zeros\":{}}", 1, 1);
    update(scope, model, {{"probe", w, w}});
  }
  return sizes;
}

}  // namespace shoal
