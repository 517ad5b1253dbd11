// The training program: one step, from the choice of samples to the next value of every parameter and moment.
#include <algorithm>
#include <limits>
#include <utility>

#include "compiler/passes/passes.h"
#include "compiler/programs/parts.h"
#include "compiler/support/error.h"

namespace shoal {

namespace {

void check_options(const TrainOptions& options) {
  constexpr int64_t limit = std::numeric_limits<int32_t>::max();  // indices are i32 in kernels
  if (options.samples < 1 || options.samples > limit) {
    throw SpecError("data", fmt::format("expected 1 to {} samples, got {}", limit, options.samples));
  }
  if (options.batch < 1) throw SpecError("batch", fmt::format("expected a positive integer, got {}", options.batch));
  if (options.batch > options.samples) {
    throw SpecError("batch",
                    fmt::format("expected at most the {} samples of the data, got {}", options.samples, options.batch));
  }
  if (options.explicit_steps < 0 || options.explicit_steps > limit / options.batch) {
    throw SpecError("order", fmt::format("expected at most {} indices, got {} steps of {}", limit,
                                         options.explicit_steps, options.batch));
  }
}

// The index in the data of the sample at each position of this step's batch.
Value sample_index(Scope& scope, const TrainOptions& options) {
  const auto batch = static_cast<double>(options.batch);
  if (options.explicit_steps > 0) {
    const Value order =
        scope.input("order", Role::order, {options.explicit_steps * options.batch}, {.member = true}, DType::i32);
    // Starts again when the order is used up, so that no launch reads beyond it.
    const Value turn = rem(scope.step(), static_cast<double>(options.explicit_steps));
    return gather(order, turn * batch + scope.position());
  }
  // One batch that holds every sample needs no order: the mean over samples does not depend on it.
  if (options.batch == options.samples) return scope.position();
  const Value key = scope.input("order_key", Role::key, {}, {.member = true}, DType::i32);
  const int64_t whole_batches = options.samples / options.batch;
  const auto steps_per_epoch = static_cast<double>(whole_batches);
  const Value place = rem(scope.step(), steps_per_epoch) * batch + scope.position();
  return shuffle(place, key, scope.step() / steps_per_epoch, options.samples);
}

void add_up(Scope& scope, const std::string& name, Value mean) {
  const Value sum = scope.state(name, {});
  scope.next(sum, sum + mean);
}

}  // namespace

Program train(const Model& model, const TrainOptions& options, Trace* trace) {
  check_options(options);
  const Sizes sizes = validate(model);
  Graph graph;
  graph.name = model.name;
  graph.batch = options.batch;
  graph.permits = model.network.permits;
  Scope scope(graph);

  const Batch batch = read_batch(scope, model, sizes.output, options.samples, sample_index(scope, options));
  const Value prediction = expand(scope, model.network, batch.x);
  if (scope.parameters().empty()) throw SpecError("/network", "has no parameters to train");
  const Value loss = batch_loss(scope, model, prediction, batch.y);
  add_up(scope, "loss_sum", loss);
  const std::vector<Value> metrics = batch_metrics(scope, model, prediction, batch.y);
  for (size_t i = 0; i < metrics.size(); ++i) add_up(scope, model.metrics[i]->info().name + "_sum", metrics[i]);

  std::vector<NodeId> parameters;
  for (const Parameter& parameter : scope.parameters()) parameters.push_back(parameter.node);
  const std::vector<NodeId> gradients = differentiate(graph, loss.id, parameters);
  std::vector<Trained> trained;
  for (size_t i = 0; i < parameters.size(); ++i) {
    trained.push_back({scope.parameters()[i].name, {&scope, parameters[i]}, {&scope, gradients[i]}});
  }
  update(scope, model, trained);
  return finish(ProgramKind::train, scope, std::move(graph), trace);
}

}  // namespace shoal
