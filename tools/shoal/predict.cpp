// shoal predict: outputs of a trained population for samples in a file.
#include <fmt/format.h>

#include <memory>

#include "runtime/io/npy.h"
#include "runtime/prediction.h"
#include "tools/shoal/command.h"
#include "tools/shoal/run_files.h"
#include "tools/shoal/session.h"

namespace shoal::command {
namespace {

struct PredictArguments {
  std::string run, initial, input, out, ensemble = "mean", device, schedule, storage;
  int threads = 0;
};

int predict(const PredictArguments& arguments, const Settings& settings) {
  const std::optional<runtime::Ensemble> ensemble = runtime::find_ensemble(arguments.ensemble);
  if (!ensemble)
    throw SpecError("--ensemble", fmt::format("expected mean, vote or none, got \"{}\"", arguments.ensemble));
  TrainedRun run = load_run(arguments.run, arguments.initial);
  apply_storage(arguments.storage, run);
  runtime::Dataset data = load_samples(run.spec, arguments.input, false);
  runtime::apply_scaling(run.scaling, data);
  Session session(settings, arguments.device, arguments.threads);
  const io::Tensor result = on_device([&] {
    runtime::Population population(session.device(), run.members);
    runtime::Predictor predictor(population, run.spec.model, data.samples, arguments.schedule);
    population.set_parameters(predictor.program().program().parameters, run.weights, run.weights_place);
    session.dump(predictor.program(), to_json(run.spec));
    return runtime::predict(predictor, run.spec.model, run.members, data, *ensemble);
  });
  io::write_npy(arguments.out, result);
  fmt::print("{} {} {} of {} members\n", arguments.out, io::element_type_name(result.type),
             io::shape_text(result.shape), run.members);
  return exit_ok;
}

}  // namespace

void add_predict(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("predict", "Runs a trained population on new samples");
  const auto arguments = std::make_shared<PredictArguments>();
  command->add_option("RUN_DIR", arguments->run, "run directory of shoal train, or a spec with --init")->required();
  command->add_option("--init", arguments->initial, "parameters: .npz, an array [members, ...] for each parameter");
  command->add_option("--input", arguments->input, "samples: .npy, .npz (array x) or .csv")->required();
  command->add_option("--out", arguments->out, "predictions: .npy")->required();
  command
      ->add_option("--ensemble", arguments->ensemble,
                   "mean: of softmax or outputs, [N, output]; vote: classes, int32 [N]; none: [members, N, output]")
      ->capture_default_str();
  command->add_option("--device", arguments->device,
                      "reference, cpu, cpu:x86-64-v3, cuda, ...; default: the best there is");
  command->add_option("--schedule", arguments->schedule, "how axes are mapped, as text; default: chosen");
  add_storage_option(*command, arguments->storage);
  command->add_option("--threads", arguments->threads, "worker threads of the CPU")->check(CLI::PositiveNumber);
  command->callback(
      [arguments, &action] { action = [arguments](const Settings& s) { return predict(*arguments, s); }; });
}

}  // namespace shoal::command
