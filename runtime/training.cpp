// Setting up a training run: length, programs, hyperparameters, order, initial parameters.
#include "runtime/training.h"

#include <algorithm>
#include <limits>

#include "compiler/graph/text.h"
#include "compiler/support/error.h"
#include "compiler/support/hash.h"
#include "runtime/member_values.h"
#include "runtime/tune.h"

namespace shoal::runtime {
namespace {

template <typename T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Steps that an explicit order has rows for, after its shape has been checked; 0 without one.
int64_t order_steps(const TrainingSettings& settings) {
  if (!settings.order) return 0;
  const Shape& shape = settings.order->shape;
  if (shape.size() != 3 || shape[0] != settings.members || shape[1] < 1 || shape[2] != settings.batch)
    throw SpecError(settings.order_place, fmt::format("expected shape [{}, steps, {}] (members, steps, batch), got {}",
                                                      settings.members, settings.batch, io::shape_text(shape)));
  return shape[1];
}

TrainingLength length_of(const TrainingSettings& settings, const Dataset& train) {
  const int64_t ordered = order_steps(settings);
  TrainingLength length =
      training_length(train.samples, settings.batch, settings.epochs, settings.steps, settings.report_every);
  if (ordered > 0 && length.total > ordered)
    throw SpecError(settings.order_place,
                    fmt::format("expected an order of at least {} steps, got {}", length.total, ordered));
  return length;
}

Program train_program(const Model& model, const Dataset& train_data, const TrainingSettings& settings, Trace* trace) {
  if (!model.loss) throw SpecError("/loss", "expected a loss to train with");
  if (!model.optimizer) throw SpecError("/optimizer", "expected an optimizer to train with");
  if (!train_data.has_targets()) throw SpecError("data", "expected targets y to train with");
  TrainOptions options;
  options.samples = train_data.samples;
  options.batch = settings.batch;
  options.explicit_steps = order_steps(settings);
  return train(model, options, trace);
}

}  // namespace

Training::Training(Device& device, const Model& model, const Dataset& train, const Dataset* validation,
                   const TrainingSettings& settings, Trace* trace)
    : model_(model),
      settings_(settings),
      length_(length_of(settings, train)),
      population_(device, settings.members, settings.first_member) {
  model_.network.storage = DType::f32;  // validation sees the parameters as they are trained
  for (const VariedHyperparameter& one : settings_.varied)
    if (std::find(model_.varied.begin(), model_.varied.end(), one.name) == model_.varied.end())
      model_.varied.push_back(one.name);
  varied_ = varied_values(settings_.varied, settings_.seed, settings_.first_member, settings_.members);
  Program program = train_program(model_, train, settings_, trace);
  // The second kernel is compiled while the first one is; a trace wants one stage after another.
  std::optional<CompileTicket> evaluation;
  if (validation && !trace)
    evaluation.emplace(
        device, settings_.members, [this, samples = validation->samples] { return evaluate(model_, samples); }, "");
  if (settings_.tune && settings_.schedule.empty()) {
    if (evaluation) evaluation->wait();  // or its compiler would share the cores with what is measured
    Tuned tuned = tune(device, settings_.members, program, settings_.tune);
    settings_.schedule = std::move(tuned.schedule);
    tuning_ = std::move(tuned.report);
  }
  program_ = std::make_unique<PopulationProgram>(population_, std::move(program), settings_.schedule, trace);
  set_data(*program_, train);
  set_member_values(population_, settings_.varied, varied_, settings_.seed);
  set_order(train);
  if (settings_.initial.empty())
    population_.initialize(program_->program().parameters, settings_.seed);
  else
    population_.set_parameters(program_->program().parameters, settings_.initial, settings_.initial_place);
  if (evaluation)
    evaluator_ = std::make_unique<Evaluator>(population_, model_, *validation, evaluation->get());
  else if (validation)
    evaluator_ = std::make_unique<Evaluator>(population_, model_, *validation, "", trace);

  data_hash_ = hash128(fmt::format("{} {} {}", hash128(bytes_of(train.x)).hex(), hash128(bytes_of(train.labels)).hex(),
                                   hash128(bytes_of(train.targets)).hex()))
                   .hex();
  for (const std::string& name : score_names(model_)) history_.quantities.push_back("train_" + name);
  if (evaluator_)
    for (const std::string& name : score_names(model_)) history_.quantities.push_back("validation_" + name);
  last_scores_.names = history_.quantities;
  last_scores_.values.assign(history_.quantities.size(), std::vector<float>(static_cast<size_t>(settings_.members),
                                                                            std::numeric_limits<float>::quiet_NaN()));
  diverged_at_.assign(static_cast<size_t>(settings_.members), -1);
  // What explicit arrays take is on the device by now.
  settings_.initial.clear();
  settings_.order.reset();
}

void Training::set_order(const Dataset& train) {
  if (!settings_.order) return;
  const std::vector<int32_t> order = io::to_int32(*settings_.order, settings_.order_place);
  for (size_t i = 0; i < order.size(); ++i)
    if (order[i] < 0 || order[i] >= train.samples)
      throw SpecError(settings_.order_place, fmt::format("element {}: expected a sample from 0 to {}, got {}", i,
                                                         train.samples - 1, order[i]));
  program_->array("order").write<int32_t>(order);
}

MemberTable Training::members() const {
  MemberTable table;
  table.first_member = settings_.first_member;
  for (const VariedHyperparameter& one : settings_.varied) table.varied.push_back(one.name);
  table.varied_values = varied_;
  table.scores = last_scores_;
  table.diverged_at = diverged_at_;
  return table;
}

std::string Training::fingerprint() const {
  return hash128(fmt::format("{}\nmembers {} from {}\nseed {}\ndata {}\n", print(program_->program().graph),
                             settings_.members, settings_.first_member, settings_.seed, data_hash_))
      .hex();
}

}  // namespace shoal::runtime
