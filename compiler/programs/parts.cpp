// The parts of programs: inputs, batches, losses and metrics with their errors placed, and the passes at the end.
#include "compiler/programs/parts.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "compiler/passes/passes.h"
#include "compiler/programs/hidden_state.h"
#include "compiler/support/error.h"

namespace shoal {

namespace {

// Calls `make`, and gives errors the place of what is being made.
template <typename Make>
auto placed(const std::string& place, Make make) {
  try {
    return make();
  } catch (const SpecError& error) {
    const std::string what = error.what();
    throw SpecError(place, what.substr(std::min(what.size(), error.place.size() + 2)));
  }
}

template <typename T>
const T& required(const std::shared_ptr<const T>& op, const char* place) {
  if (!op) throw SpecError(place, "is missing");
  if (const auto missing = op->missing())
    throw SpecError(place, fmt::format("{} needs \"{}\"", op->info().name, *missing));
  return *op;
}

}  // namespace

std::string_view program_kind_name(ProgramKind kind) {
  switch (kind) {
    case ProgramKind::forward: return "forward";
    case ProgramKind::train: return "train";
    case ProgramKind::evaluate: return "evaluate";
  }
  return "";
}

Value declare_input(Scope& scope, const Network& network, Varies varies) {
  return scope.input("x", Role::input, network.input, varies);
}

Batch read_batch(Scope& scope, const Model& model, const Shape& output, int64_t samples, Value i) {
  const auto table = [&](Shape unit) {
    unit.insert(unit.begin(), samples);
    return unit;
  };
  Batch batch;
  batch.x = gather(scope.input("data.x", Role::data, table(model.network.input), {}), i);
  switch (required(model.loss, "/loss").target()) {
    case TargetKind::label: batch.y = gather(scope.input("data.y", Role::data, {samples}, {}, DType::i32), i); break;
    case TargetKind::same_shape: batch.y = gather(scope.input("data.y", Role::data, table(output), {}), i); break;
  }
  return batch;
}

Value target_like(Scope& scope, const Model& model, const Shape& output) {
  switch (model.loss->target()) {
    case TargetKind::label: return scope.input("target", Role::input, {}, {.sample = true}, DType::i32);
    case TargetKind::same_shape: return scope.input("target", Role::input, output, {.sample = true});
  }
  return {};
}

Value batch_loss(Scope& scope, const Model& model, Value prediction, Value target) {
  return placed("/loss", [&] {
    const Loss& loss = required(model.loss, "/loss");
    const Hyper hyper(scope, "loss", loss, model.varied);
    const Value sample_loss = loss.expand(scope, hyper, prediction, target);
    check(sample_loss.shape().empty(), "the loss of a sample has rank 0");
    return mean_samples(sample_loss);
  });
}

std::vector<Value> batch_metrics(Scope& scope, const Model& model, Value prediction, Value target) {
  std::vector<Value> means;
  for (size_t i = 0; i < model.metrics.size(); ++i) {
    const std::string place = fmt::format("/metrics/{}", i);
    means.push_back(placed(place, [&] {
      const Metric& metric = required(model.metrics[i], place.c_str());
      return mean_samples(metric.expand(scope, prediction, target, model.loss->target()));
    }));
  }
  return means;
}

void update(Scope& scope, const Model& model, const std::vector<Trained>& trained) {
  placed("/optimizer", [&] {
    const Optimizer& optimizer = required(model.optimizer, "/optimizer");
    optimizer.expand(scope, Hyper(scope, "optimizer", optimizer, model.varied), trained);
  });
}

namespace {

// The parameters, found again in a graph that was made of theirs.
std::vector<Parameter> parameters_in(const Graph& graph, std::vector<Parameter> parameters) {
  std::unordered_map<std::string_view, NodeId> inputs;
  for (NodeId id = 0; id < graph.nodes.size(); ++id)
    if (graph[id].attrs.role == Role::parameter) inputs.emplace(*graph[id].attrs.name, id);
  for (Parameter& parameter : parameters) {
    const auto found = inputs.find(parameter.name);
    check(found != inputs.end(), "the passes removed the parameter {}", parameter.name);
    parameter.node = found->second;
  }
  return parameters;
}

}  // namespace

Program finish(ProgramKind kind, const Scope& scope, Graph graph, Trace* trace, HiddenState hidden) {
  Program program;
  program.kind = kind;
  if (hidden == HiddenState::zeros && has_hidden_states(graph))
    graph = run_pass("start_from_zeros", std::move(graph), start_from_zeros, trace);
  graph = run_pass("unroll_windows", std::move(graph), unroll_windows, trace);
  program.graph = run_pass("fold", std::move(graph), fold, trace);
  program.graph = run_pass("join", std::move(program.graph), join, trace);
  program.graph = run_pass("cse", std::move(program.graph), cse, trace);
  program.graph = run_pass("dce", std::move(program.graph), dce, trace);
  program.parameters = parameters_in(program.graph, scope.parameters());
  return program;
}

}  // namespace shoal
