// shoal train: a spec and data to a trained population in a run directory.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "runtime/io/npy.h"
#include "runtime/prediction.h"
#include "runtime/progress.h"
#include "runtime/run_directory.h"
#include "tools/shoal/command.h"
#include "tools/shoal/interrupt.h"
#include "tools/shoal/session.h"
#include "tools/shoal/train_report.h"

namespace shoal::command {
namespace {

struct TrainArguments {
  std::string spec, data, device, schedule, initial, order, out, resume;
  int64_t members = 0, epochs = 0, steps = 0, seed = -1;
  int threads = 0;
  std::vector<std::string> overrides;
  bool json = false, tune = false;
};

constexpr double checkpoint_seconds = 60;  // between checkpoints on the way

// Shows progress, and saves a checkpoint now and then after a report.
class TrainObserver : public runtime::TrainingObserver {
 public:
  TrainObserver(runtime::ProgressLine& line, std::function<void()> save) : line_(line), save_(std::move(save)) {}
  void launched(int64_t step, int64_t total) override { line_.launched(step, total); }
  void reported(const runtime::History& history) override {
    line_.reported(history);
    const auto now = std::chrono::steady_clock::now();
    if (!save_ || std::chrono::duration<double>(now - saved_).count() < checkpoint_seconds) return;
    save_();
    saved_ = now;
  }

 private:
  runtime::ProgressLine& line_;
  std::function<void()> save_;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

Spec spec_of(const TrainArguments& arguments) {
  if (arguments.spec.empty() && arguments.resume.empty())
    throw SpecError("SPEC", "expected a spec, or --resume with a run directory");
  Spec spec;
  if (arguments.spec.empty()) {
    const runtime::RunDirectory directory(arguments.resume);
    spec = read_spec(directory.read_spec(), directory.spec().string(), arguments.overrides);
  } else {
    spec = load_spec(arguments.spec, arguments.overrides);
  }
  if (arguments.members > 0) spec.population.members = arguments.members;
  if (arguments.seed >= 0) spec.population.seed = arguments.seed;
  if (!arguments.data.empty()) {
    if (!spec.data) spec.data.emplace();
    spec.data->file = arguments.data;
  }
  if (arguments.epochs > 0 || arguments.steps > 0) {
    if (!spec.training) spec.training.emplace();
    spec.training->epochs = arguments.steps > 0 ? 0 : arguments.epochs;
    spec.training->steps = arguments.steps;
  }
  return spec;
}

void score_ensemble(runtime::Training& training, const Spec& spec, const SpecData& data, TrainOutcome& outcome) {
  const runtime::Dataset& scored = data.validation ? *data.validation : data.train;
  outcome.scored_on = data.validation ? "validation" : "training";
  runtime::Predictor predictor(training.population(), spec.model, scored.samples);
  const io::Tensor mean =
      runtime::predict(predictor, spec.model, spec.population.members, scored, runtime::Ensemble::mean);
  outcome.ensemble = runtime::ensemble_scores(spec.model, scored, mean);
}

void save_results(const runtime::RunDirectory& directory, const runtime::Training& training) {
  io::save_checkpoint(directory.checkpoint(), training.checkpoint());
  io::write_npz(directory.weights(), training.parameters());
  runtime::write_history(directory.history(), training.history());
  runtime::write_members(directory.members(), training.members());
}

int train(const TrainArguments& arguments, const Settings& settings) {
  const Spec spec = spec_of(arguments);
  const SpecData data = load_spec_data(spec);
  runtime::TrainingSettings options = training_settings(spec);
  options.schedule = arguments.schedule;
  if (!arguments.initial.empty()) {
    options.initial = io::read_npz(arguments.initial);
    options.initial_place = arguments.initial;
  }
  if (!arguments.order.empty()) {
    options.order = io::read_npy(std::filesystem::path(arguments.order));
    options.order_place = arguments.order;
  }
  Session session(settings, arguments.device, arguments.threads);
  if (arguments.tune) options.tune = &session.cache();
  std::optional<io::Checkpoint> start;
  if (!arguments.resume.empty()) {
    const runtime::RunDirectory from(arguments.resume);
    io::LoadedCheckpoint loaded = io::load_checkpoint(from.checkpoint());
    if (!loaded.report.empty()) fmt::print(stderr, "shoal: warning: {}\n", loaded.report);
    // The same schedule goes on bit for bit; another device has schedules of its own.
    const runtime::CheckpointSummary summary = runtime::summarize(loaded.checkpoint, from.checkpoint().string());
    if (options.schedule.empty() && summary.device == session.device().name()) options.schedule = summary.schedule;
    start = std::move(loaded.checkpoint);
  }
  const std::string out = arguments.out.empty() ? arguments.resume : arguments.out;
  std::optional<runtime::RunDirectory> directory;
  if (!out.empty()) {
    directory.emplace(out);
    directory->create();
    directory->save_spec(to_json(spec));
    directory->save_scaling(data.scaling);
  }
  const runtime::Dataset* validation = data.validation ? &*data.validation : nullptr;
  const auto training = on_device([&] {
    return std::make_unique<runtime::Training>(session.device(), spec.model, data.train, validation, options);
  });
  TrainOutcome outcome;
  outcome.out = out;
  if (start) {
    training->restore(*start, arguments.resume);
    outcome.first_step = training->step();
    outcome.first_step_seconds = training->training_seconds();
  }
  session.dump(training->program(), to_json(spec));

  std::FILE* talk = arguments.json ? stderr : stdout;
  fmt::print(talk, "{}", training->tuning());
  fmt::print(talk, "{}", start_text(spec, data, *training, session.device()));
  std::fflush(talk);
  const InterruptFlag interrupt;
  runtime::ProgressLine line(talk, isatty(fileno(talk)) == 1, training->length(), spec.population.members);
  TrainObserver observer(line, directory ? std::function<void()>([&] {
                           io::save_checkpoint(directory->checkpoint(), training->checkpoint());
                         })
                                         : nullptr);
  outcome.finished = on_device([&] { return training->run(observer, interrupt.flag()); });
  line.finish();
  if (directory) save_results(*directory, *training);
  if (outcome.finished) on_device([&] { score_ensemble(*training, spec, data, outcome); });
  if (arguments.json)
    fmt::print("{}\n", json::print_compact(report_json(spec, *training, session.device(), outcome)));
  else
    fmt::print("{}", end_text(spec, *training, outcome));
  if (outcome.finished) return exit_ok;
  fmt::print(stderr, "{}\n",
             directory ? "shoal: interrupted; go on with: shoal train --resume " + out
                       : std::string("shoal: interrupted; without --out nothing was kept"));
  return exit_interrupted;
}

}  // namespace

void add_train(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("train", "Trains a population by a spec");
  const auto arguments = std::make_shared<TrainArguments>();
  command->add_option("SPEC", arguments->spec, "the spec, a JSON file; with --resume: that of the run directory");
  command->add_option("--data", arguments->data, "data file (.npz, .csv) instead of the spec's");
  command->add_option("--members", arguments->members, "population size")->check(CLI::PositiveNumber);
  auto* epochs = command->add_option("--epochs", arguments->epochs, "passes over the data")->check(CLI::PositiveNumber);
  command->add_option("--steps", arguments->steps, "optimizer steps of each member")
      ->check(CLI::PositiveNumber)
      ->excludes(epochs);
  command->add_option("--seed", arguments->seed, "seed of initial parameters, order and split")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--device", arguments->device,
                      "reference, cpu, cpu:x86-64-v3, cuda, ...; default: the best there is");
  command->add_option("--schedule", arguments->schedule, "how axes are mapped, as text; default: chosen");
  command->add_flag("--tune", arguments->tune,
                    "measures the best few schedules first, takes the fastest, and remembers it in the cache");
  command->add_option("--threads", arguments->threads, "worker threads of the CPU; default: one a core")
      ->check(CLI::PositiveNumber);
  command->add_option("--init", arguments->initial,
                      "initial parameters: .npz, an array [members, ...] for each parameter");
  command->add_option("--order", arguments->order, "explicit sample order: .npy, int32 [members, steps, batch]");
  command->add_option("--out", arguments->out, "run directory to write; without one nothing is kept");
  command->add_option("--resume", arguments->resume, "run directory to go on with (and to write, unless --out)");
  command->add_option("--set", arguments->overrides, "changes a value of the spec: optimizer.lr=0.01")
      ->take_all()
      ->allow_extra_args(false);
  command->add_flag("--json", arguments->json, "one JSON object on standard output, progress on standard error");
  command->callback([arguments, &action] { action = [arguments](const Settings& s) { return train(*arguments, s); }; });
}

}  // namespace shoal::command
