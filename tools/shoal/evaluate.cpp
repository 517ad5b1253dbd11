// shoal evaluate: loss and metrics of a trained population, member by member and together.
#include <fmt/format.h>

#include <memory>

#include "runtime/prediction.h"
#include "runtime/training_evaluator.h"
#include "tools/shoal/command.h"
#include "tools/shoal/run_files.h"
#include "tools/shoal/session.h"

namespace shoal::command {
namespace {

struct EvaluateArguments {
  std::string run, data, device, storage;
  int threads = 0;
};

// The validation samples as they were during training, or all samples of another file.
runtime::Dataset scored_data(const TrainedRun& run, const std::string& file, std::string& what) {
  if (file.empty()) {
    SpecData data = load_spec_data(run.spec);
    what = data.validation ? "validation data" : "training data";
    return data.validation ? std::move(*data.validation) : std::move(data.train);
  }
  what = file;
  runtime::Dataset data = load_samples(run.spec, file, true);
  runtime::apply_scaling(run.scaling, data);
  return data;
}

int evaluate(const EvaluateArguments& arguments, const Settings& settings) {
  TrainedRun run = load_run(arguments.run, "");
  apply_storage(arguments.storage, run);
  std::string what;
  const runtime::Dataset data = scored_data(run, arguments.data, what);
  Session session(settings, arguments.device, arguments.threads);
  runtime::Scores scores, ensemble;
  on_device([&] {
    runtime::Population population(session.device(), run.members);
    runtime::Evaluator evaluator(population, run.spec.model, data);
    population.set_parameters(evaluator.program().program().parameters, run.weights, run.weights_place);
    scores = evaluator.run();
    runtime::Predictor predictor(population, run.spec.model, data.samples);
    const io::Tensor mean = runtime::predict(predictor, run.spec.model, run.members, data, runtime::Ensemble::mean);
    ensemble = runtime::ensemble_scores(run.spec.model, data, mean);
  });
  fmt::print("{} members on {} samples ({})\n", run.members, data.samples, what);
  for (size_t i = 0; i < scores.names.size(); ++i) {
    const runtime::Quantiles q = runtime::quantiles(scores.values[i]);
    fmt::print(
        "{:<12} min {:.4g}  5 % {:.4g}  25 % {:.4g}  median {:.4g}  75 % {:.4g}  95 % {:.4g}  max {:.4g}  ensemble "
        "{:.4g}\n",
        scores.names[i], q[0], q[1], q[2], q[3], q[4], q[5], q[6], ensemble.values[i][0]);
  }
  if (const int64_t best = runtime::best_member(scores, ""); best >= 0) {
    fmt::print("best member  {}:", best);
    for (size_t i = 0; i < scores.names.size(); ++i)
      fmt::print(" {} {:.4g}", scores.names[i], scores.values[i][static_cast<size_t>(best)]);
    fmt::print("\n");
  }
  return exit_ok;
}

}  // namespace

void add_evaluate(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("evaluate", "Loss and metrics of a trained population");
  const auto arguments = std::make_shared<EvaluateArguments>();
  command->add_option("RUN_DIR", arguments->run, "run directory of shoal train")->required();
  command->add_option("--data", arguments->data, "data file; default: the validation data of the spec");
  command->add_option("--device", arguments->device,
                      "reference, cpu, cpu:x86-64-v3, cuda, ...; default: the best there is");
  add_storage_option(*command, arguments->storage);
  command->add_option("--threads", arguments->threads, "worker threads of the CPU")->check(CLI::PositiveNumber);
  command->callback(
      [arguments, &action] { action = [arguments](const Settings& s) { return evaluate(*arguments, s); }; });
}

}  // namespace shoal::command
