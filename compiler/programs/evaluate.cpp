// The evaluation program: loss and metrics of every member over a whole data set, taken as one batch.
#include <utility>

#include "compiler/programs/parts.h"
#include "compiler/support/error.h"

namespace shoal {

Program evaluate(const Model& model, int64_t samples, Trace* trace) {
  if (samples < 1) throw SpecError("data", fmt::format("expected at least one sample, got {}", samples));
  const Sizes sizes = validate(model);
  Graph graph;
  graph.name = model.name;
  graph.batch = samples;
  graph.permits = model.network.permits;
  Scope scope(graph);
  scope.store_parameters_as(model.network.storage);
  const Batch batch = read_batch(scope, model, sizes.output, samples, scope.position());
  const Value prediction = expand(scope, model.network, batch.x);
  scope.output("loss", batch_loss(scope, model, prediction, batch.y));
  const std::vector<Value> metrics = batch_metrics(scope, model, prediction, batch.y);
  for (size_t i = 0; i < metrics.size(); ++i) scope.output(model.metrics[i]->info().name, metrics[i]);
  return finish(ProgramKind::evaluate, scope, std::move(graph), trace);
}

}  // namespace shoal
