// The forward program: the network's output for one batch.
#include <utility>

#include "compiler/programs/parts.h"
#include "compiler/support/error.h"

namespace shoal {

Program forward(const Model& model, int64_t batch, bool input_varies_over_member, Trace* trace, HiddenState hidden) {
  if (batch < 1) throw SpecError("batch", fmt::format("expected a positive integer, got {}", batch));
  Graph graph;
  graph.name = model.name;
  graph.batch = batch;
  graph.permits = model.network.permits;
  Scope scope(graph);
  scope.store_parameters_as(model.network.storage);
  const Value x = declare_input(scope, model.network, {.member = input_varies_over_member, .sample = true});
  scope.output("y", expand(scope, model.network, x));
  return finish(ProgramKind::forward, scope, std::move(graph), trace, hidden);
}

}  // namespace shoal
