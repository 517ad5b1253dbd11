// Making a program's graph from a spec and a few numbers.
#include "tools/shoal/program_source.h"

#include <algorithm>

#include "compiler/support/error.h"

namespace shoal::command {

Program make_program(const Spec& spec, const ProgramRequest& request, Trace* trace) {
  Model model = spec.model;
  for (const Vary& vary : spec.population.vary)
    if (std::find(model.varied.begin(), model.varied.end(), vary.name) == model.varied.end())
      model.varied.push_back(vary.name);
  if (request.kind == "forward") return forward(model, std::max<int64_t>(1, request.batch), false, trace);
  const int64_t batch = request.batch > 0 ? request.batch : spec.training ? spec.training->batch : 32;
  int64_t samples = request.samples > 0 ? request.samples : training_samples(spec);
  if (samples == 0) samples = 16 * batch;
  if (request.kind == "evaluate") return evaluate(model, samples, trace);
  if (request.kind != "train")
    throw SpecError("--program", fmt::format("expected forward, train or evaluate, got \"{}\"", request.kind));
  TrainOptions options;
  options.samples = samples;
  options.batch = batch;
  return train(model, options, trace);
}

std::string reproducing_command(const Program& program, const Module& module, const std::string& target) {
  std::string command =
      fmt::format("shoal dump spec.json --program {} --members {} --batch {} --schedule '{}' --target {}",
                  program_kind_name(program.kind), module.members, program.graph.batch, module.schedule, target);
  for (const Argument& argument : module.arguments)
    if (argument.name == "data.x") command += fmt::format(" --samples {}", argument.shape.at(0));
  return command + " --all again";
}

}  // namespace shoal::command
