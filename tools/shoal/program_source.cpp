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

}  // namespace shoal::command
