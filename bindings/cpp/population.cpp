// Training and using populations from C++.
#include <algorithm>
#include <chrono>
#include <system_error>

#include "bindings/cpp/access.h"
#include "compiler/programs/programs.h"
#include "runtime/devices.h"
#include "runtime/prediction.h"
#include "runtime/training_evaluator.h"

namespace shoal::api {
namespace {

io::Tensor tensor_of(const Array& array, const char* place) {
  const int64_t elements = io::checked_bytes(array.shape, 1, place);
  if (elements != static_cast<int64_t>(array.values.size()))
    throw SpecError(place, fmt::format("shape {} has {} elements, but there are {} values", io::shape_text(array.shape),
                                       elements, array.values.size()));
  return io::make_tensor(array.shape, array.values);
}

runtime::Dataset dataset(const Model& model, const Array& x, const Array* y) {
  runtime::RawData raw{"arguments", tensor_of(x, "x"), {}, {}};
  if (y) raw.y = tensor_of(*y, "y");
  return runtime::make_dataset(model, raw);
}

runtime::VariedHyperparameter varied_hyperparameter(const shoal::Vary& vary) {
  using Kind = runtime::VariedHyperparameter::Kind;
  switch (vary.kind) {
    case shoal::Vary::Kind::log_uniform: return {Kind::log_uniform, vary.name, vary.values};
    case shoal::Vary::Kind::uniform: return {Kind::uniform, vary.name, vary.values};
    case shoal::Vary::Kind::choice: return {Kind::choice, vary.name, vary.values};
    case shoal::Vary::Kind::grid: return {Kind::grid, vary.name, vary.values};
    case shoal::Vary::Kind::list: return {Kind::list, vary.name, vary.values};
  }
  throw InternalError("internal error: a kind of variation that is none");
}

runtime::TrainingSettings settings_of(const Spec& spec, const Options& options) {
  runtime::TrainingSettings settings;
  settings.members = options.members;
  settings.seed = options.seed;
  settings.batch = options.batch;
  settings.epochs = options.epochs;
  settings.steps = options.steps;
  settings.schedule = options.schedule;
  settings.varied = varied_of(spec);
  return settings;
}

runtime::Ensemble kind_of(Ensemble ensemble) {
  switch (ensemble) {
    case Ensemble::mean: return runtime::Ensemble::mean;
    case Ensemble::vote: return runtime::Ensemble::vote;
    case Ensemble::none: return runtime::Ensemble::none;
  }
  throw SpecError("ensemble", "expected mean, vote or none");
}

}  // namespace

std::vector<runtime::VariedHyperparameter> varied_of(const shoal::Spec& spec) {
  std::vector<runtime::VariedHyperparameter> varied;
  for (const shoal::Vary& vary : spec.population.vary) varied.push_back(varied_hyperparameter(vary));
  return varied;
}

std::unique_ptr<Access::PopulationState> open_state(const Network& network, const Options& options) {
  auto state = std::make_unique<Access::PopulationState>();
  state->spec = read_spec(json::print_compact(Access::spec(network)));
  state->options = options;
  state->cache = std::make_unique<DiskCache>(CacheOptions{.directory = options.cache_directory});
  const Cuda& cuda = options.cuda;
  runtime::DeviceOptions device{.name = options.device,
                                .threads = options.threads,
                                .jobs = {options.jobs.context, options.jobs.parallel_for, options.jobs.workers},
                                .cache = state->cache.get()};
  device.cuda_context = reinterpret_cast<void*>(cuda.context);
  device.cuda_stream = reinterpret_cast<void*>(cuda.stream);
  if (device.name == "cuda" && cuda.device != 0) device.name = fmt::format("cuda:{}", cuda.device);
  state->device = runtime::open_device(device);
  return state;
}

std::vector<Parameter> Population::State::parameters() const { return forward(spec.model, 1, false).parameters; }

Population::Population(std::unique_ptr<State> state) : state_(std::move(state)) {}
Population::Population(Population&&) noexcept = default;
Population& Population::operator=(Population&&) noexcept = default;
Population::~Population() = default;

int64_t Population::members() const { return state_->population().members(); }

Array Population::predict(const Array& x, Ensemble ensemble) {
  return guarded([&] {
    const Model& model = state_->spec.model;
    const runtime::Dataset data = dataset(model, x, nullptr);
    runtime::Predictor predictor(state_->population(), model, data.samples);
    const io::Tensor result = runtime::predict(predictor, model, members(), data, kind_of(ensemble));
    return Array{result.shape, io::to_float(result, "predictions")};
  });
}

Scores Population::evaluate(const Array& x, const Array& y) {
  return guarded([&] {
    const Model& model = state_->spec.model;
    runtime::Evaluator evaluator(state_->population(), model, dataset(model, x, &y));
    runtime::Scores scores = evaluator.run();
    return Scores{std::move(scores.names), std::move(scores.values)};
  });
}

std::vector<std::string> Population::parameter_names() const {
  return guarded([&] {
    std::vector<std::string> names;
    for (const Parameter& parameter : state_->parameters()) names.push_back(parameter.name);
    return names;
  });
}

Array Population::parameter(const std::string& name) const {
  return guarded([&] {
    for (const Parameter& parameter : state_->parameters()) {
      if (parameter.name != name) continue;
      const std::vector<io::NamedTensor> one = state_->population().parameters({parameter});
      return Array{one.front().tensor.shape, io::to_float(one.front().tensor, name)};
    }
    throw SpecError(name, "the network has no such parameter");
  });
}

void Population::set_parameter(const std::string& name, const Array& values) {
  guarded([&] {
    for (const Parameter& parameter : state_->parameters())
      if (parameter.name == name)
        return state_->population().set_parameters({parameter}, {{name, tensor_of(values, "values")}}, "values");
    throw SpecError(name, "the network has no such parameter");
  });
}

std::vector<float> Population::varied(const std::string& hyperparameter) const {
  return guarded([&] {
    const std::vector<runtime::VariedHyperparameter> varied = varied_of(state_->spec);
    std::vector<std::vector<float>> values = runtime::varied_values(varied, state_->options.seed, 0, members());
    for (size_t i = 0; i < varied.size(); ++i)
      if (varied[i].name == hyperparameter) return std::move(values[i]);
    throw SpecError(hyperparameter, "this hyperparameter does not vary over the population");
  });
}

double Population::member_steps_per_second() const {
  if (!state_->training) return 0;
  const double seconds = state_->training->training_seconds();
  return seconds > 0 ? static_cast<double>(state_->training->step()) * static_cast<double>(members()) / seconds : 0;
}

Population make_population(const Network& network, const Options& options) {
  return guarded([&] {
    auto state = open_state(network, options);
    state->untrained = std::make_unique<runtime::Population>(*state->device, options.members);
    const std::vector<Parameter> parameters = state->parameters();
    for (const Parameter& parameter : parameters) {
      shoal::Argument plain;
      plain.name = parameter.name;
      plain.role = Role::parameter;
      plain.varies.member = true;
      plain.shape = parameter.shape;
      state->untrained->array(plain, 1);
    }
    state->untrained->initialize(parameters, options.seed);
    return Access::population(std::move(state));
  });
}

namespace {

// All of train() but the training.
std::unique_ptr<Access::PopulationState> prepare(const Network& network, const Array& x, const Array& y,
                                                 const Options& options) {
  auto state = open_state(network, options);
  if (!state->spec.model.loss) throw SpecError("/loss", "expected a loss to train with");
  const runtime::Dataset data = dataset(state->spec.model, x, &y);
  runtime::TrainingSettings settings = settings_of(state->spec, options);
  if (options.tune) settings.tune = state->cache.get();
  state->training = std::make_unique<runtime::Training>(*state->device, state->spec.model, data, nullptr, settings);
  return state;
}

Population trained(std::unique_ptr<Access::PopulationState> state) {
  runtime::TrainingObserver quiet;
  state->training->run(quiet);
  state->steps = state->training->step();
  return Access::population(std::move(state));
}

}  // namespace

Population train(const Network& network, const Array& x, const Array& y, const Options& options) {
  return guarded([&] { return trained(prepare(network, x, y, options)); });
}

CompileTicket train_async(const Network& network, const Array& x, const Array& y, const Options& options) {
  return guarded([&] {
    auto state = std::make_unique<Access::TicketState>();
    try {
      state->prepared =
          std::async(std::launch::async, [network, x, y, options] { return prepare(network, x, y, options); });
    } catch (const std::system_error& error) {
      throw RuntimeError(fmt::format("cannot start a thread to compile on: {}", error.what()));
    }
    return Access::ticket(std::move(state));
  });
}

CompileTicket::CompileTicket(std::unique_ptr<State> state) : state_(std::move(state)) {}
CompileTicket::CompileTicket(CompileTicket&&) noexcept = default;
CompileTicket& CompileTicket::operator=(CompileTicket&&) noexcept = default;
CompileTicket::~CompileTicket() = default;

bool CompileTicket::ready() const {
  return !state_ || !state_->prepared.valid() ||
         state_->prepared.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

void CompileTicket::wait() const {
  if (state_ && state_->prepared.valid()) state_->prepared.wait();
}

Population CompileTicket::get() {
  return guarded([&] {
    if (!state_ || !state_->prepared.valid())
      throw SpecError("CompileTicket", "get() has taken the population already");
    return trained(state_->prepared.get());
  });
}

}  // namespace shoal::api
