// Trains what PyTorch trained.
#include "tests/programs/torch_training.h"

namespace shoal::test {

Trained train_as_torch(const json& c, const harness::Mapping& mapping, const Target& target,
                       const harness::Executor& executor) {
  const Model model = model_from_json(c);
  const int64_t steps = c["steps"], members = c["members"];
  const Program program = train(model, {.samples = c["samples"], .batch = c["batch"], .explicit_steps = steps});
  Evaluation e = harness::random_inputs(program.graph, members, 1);  // states start at zero
  auto doubles = [](const json& list) { return Array{list.get<std::vector<double>>()}; };
  e.inputs["data.x"] = doubles(c["data_x"]);
  e.inputs["data.y"] = doubles(c["data_y"]);
  e.inputs["order"] = doubles(c["order"]);
  for (const auto& [name, values] : c["initial"].items()) e.inputs[name] = doubles(values);
  for (const auto& [name, values] : c["vary"].items()) e.inputs[name] = doubles(values);
  const Module m =
      compile(program.graph, target, {.members = members, .schedule = harness::schedule_for(mapping, program.graph)});
  const auto results = harness::run_module(m, program.graph, e, static_cast<int>(steps), executor);
  Trained trained;
  for (const auto& [name, values] : c["final"].items()) trained.expected[name] = doubles(values);
  for (const Output& output : program.graph.outputs) {
    const std::string& state = program.graph[output.state].attrs.name;
    if (c["final"].contains(state)) trained.got[state] = results.at(output.name);
  }
  return trained;
}

}  // namespace shoal::test
