// Running the evaluate program of a model over a data set.
#include "runtime/training_evaluator.h"

namespace shoal::runtime {

void set_data(PopulationProgram& program, const Dataset& data) {
  if (program.has("data.x")) program.array("data.x").write<float>(data.x);
  if (!program.has("data.y")) return;
  if (program.array("data.y").layout().dtype == DType::i32)
    program.array("data.y").write<int32_t>(data.labels);
  else
    program.array("data.y").write<float>(data.targets);
}

std::vector<std::string> score_names(const Model& model) {
  std::vector<std::string> names{"loss"};
  for (const auto& metric : model.metrics) names.push_back(metric->info().name);
  return names;
}

Evaluator::Evaluator(Population& population, const Model& model, const Dataset& data, const std::string& schedule,
                     Trace* trace)
    : program_(population, evaluate(model, data.samples, trace), schedule, trace), names_(score_names(model)) {
  set_data(program_, data);
}

Evaluator::Evaluator(Population& population, const Model& model, const Dataset& data, CompiledProgram compiled)
    : program_(population, std::move(compiled)), names_(score_names(model)) {
  set_data(program_, data);
}

Scores Evaluator::run() {
  program_.launch();
  Scores scores;
  scores.names = names_;
  for (const std::string& name : names_) scores.values.push_back(program_.array(name).read<float>());
  return scores;
}

}  // namespace shoal::runtime
