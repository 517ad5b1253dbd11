// From a spec to datasets and settings of the runtime.
#include "tools/shoal/spec_file.h"

#include <filesystem>

#include "compiler/support/error.h"
#include "runtime/io/file.h"

namespace shoal::command {
namespace {

constexpr uint64_t spec_limit = uint64_t{16} << 20;

bool labels_wanted(const Spec& spec) { return spec.model.loss && spec.model.loss->target() == TargetKind::label; }

runtime::ScalingKind scaling_kind(Scaling scaling) {
  switch (scaling) {
    case Scaling::none: return runtime::ScalingKind::none;
    case Scaling::standard: return runtime::ScalingKind::standard;
    case Scaling::minmax: return runtime::ScalingKind::minmax;
    case Scaling::divide: return runtime::ScalingKind::divide;
  }
  throw InternalError("internal error: a scaling that is none");
}

runtime::VariedHyperparameter varied(const Vary& vary) {
  using Kind = runtime::VariedHyperparameter::Kind;
  switch (vary.kind) {
    case Vary::Kind::log_uniform: return {Kind::log_uniform, vary.name, vary.values};
    case Vary::Kind::uniform: return {Kind::uniform, vary.name, vary.values};
    case Vary::Kind::choice: return {Kind::choice, vary.name, vary.values};
    case Vary::Kind::grid: return {Kind::grid, vary.name, vary.values};
    case Vary::Kind::list: return {Kind::list, vary.name, vary.values};
  }
  throw InternalError("internal error: a kind of variation that is none");
}

const Data& data_of(const Spec& spec) {
  if (!spec.data || spec.data->file.empty())
    throw SpecError("/data", "expected a data file; name one in the spec or with --data");
  return *spec.data;
}

}  // namespace

Spec load_spec(const std::string& path, const std::vector<std::string>& overrides) {
  return read_spec(io::read_file(path, spec_limit), path, overrides);
}

runtime::Dataset load_samples(const Spec& spec, const std::string& file, bool with_targets) {
  runtime::DataSource source;
  source.file = file;
  source.with_y = with_targets;
  source.labels = labels_wanted(spec);
  if (spec.data) {
    source.x = spec.data->x;
    source.y = spec.data->y;
  }
  return runtime::make_dataset(spec.model, runtime::read_data(source));
}

SpecData load_spec_data(const Spec& spec) {
  const Data& data = data_of(spec);
  SpecData result;
  result.train = load_samples(spec, data.file, true);
  const auto seed = static_cast<uint64_t>(spec.population.seed);
  if (data.validation.separate()) {
    runtime::DataSource source;
    source.file = data.validation.file.empty() ? data.file : data.validation.file;
    source.x = data.validation.x.empty() ? data.x : data.validation.x;
    source.y = data.validation.y.empty() ? data.y : data.validation.y;
    source.labels = labels_wanted(spec);
    result.validation = runtime::make_dataset(spec.model, runtime::read_data(source));
  } else if (data.validation.fraction > 0) {
    runtime::Split split = runtime::split_dataset(result.train, data.validation.fraction, seed);
    result.train = std::move(split.train);
    result.validation = std::move(split.validation);
  }
  result.scaling = runtime::fit_scaling(scaling_kind(data.scale), data.divisor, result.train);
  runtime::apply_scaling(result.scaling, result.train);
  if (result.validation) runtime::apply_scaling(result.scaling, *result.validation);
  return result;
}

int64_t training_samples(const Spec& spec) {
  if (!spec.data || spec.data->file.empty() || !std::filesystem::exists(spec.data->file)) return 0;
  return load_spec_data(spec).train.samples;
}

runtime::TrainingSettings training_settings(const Spec& spec) {
  if (!spec.training) throw SpecError("/training", "expected batch and epochs (or steps) to train");
  runtime::TrainingSettings settings;
  settings.members = spec.population.members;
  settings.seed = static_cast<uint64_t>(spec.population.seed);
  settings.batch = spec.training->batch;
  settings.epochs = spec.training->epochs;
  settings.steps = spec.training->steps;
  for (const Vary& vary : spec.population.vary) settings.varied.push_back(varied(vary));
  return settings;
}

int64_t parameter_count(const Spec& spec) {
  int64_t count = 0;
  for (const LayerSummary& layer : summarize(spec.model.network)) count += layer.parameters;
  return count;
}

std::string spec_summary(const Spec& spec) {
  std::string text = fmt::format("{}: {}", spec.model.name, shape_text(spec.model.network.input));
  for (const LayerSummary& layer : summarize(spec.model.network))
    text += fmt::format(" {} {}", layer.op, shape_text(layer.output));
  text += fmt::format("; {} parameters", parameter_count(spec));
  if (spec.model.loss) text += "; " + spec.model.loss->text();
  if (spec.model.optimizer) text += "; " + spec.model.optimizer->text();
  return text;
}

}  // namespace shoal::command
