// What a population says together: means, votes, and their scores.
#include <algorithm>
#include <cmath>
#include <map>

#include "compiler/graph/evaluate.h"
#include "compiler/support/error.h"
#include "runtime/prediction.h"

namespace shoal::runtime {
namespace {

bool has_labels(const Model& model) { return model.loss && model.loss->target() == TargetKind::label; }

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

// Adds the softmax of one member's logits, or the outputs as they are.
void add_output(std::span<const float> output, bool softmax, double* sum) {
  if (!softmax) {
    for (size_t unit = 0; unit < output.size(); ++unit) sum[unit] += static_cast<double>(output[unit]);
    return;
  }
  const double largest = *std::max_element(output.begin(), output.end());
  double total = 0;
  for (const float logit : output) total += std::exp(static_cast<double>(logit) - largest);
  for (size_t unit = 0; unit < output.size(); ++unit)
    sum[unit] += std::exp(static_cast<double>(output[unit]) - largest) / total;
}

Shape with_leading(Shape leading, const Shape& shape) {
  leading.insert(leading.end(), shape.begin(), shape.end());
  return leading;
}

// Calls visit(sample, output of one member) for the finite outputs, members in order.
template <typename Visit>
void for_each_finite(Predictor& predictor, const Dataset& data, int64_t members, int64_t units, Visit visit) {
  predictor.run(data, [&](int64_t first, int64_t count, std::span<const float> outputs) {
    for (int64_t member = 0; member < members; ++member)
      for (int64_t sample = 0; sample < count; ++sample) {
        const auto output =
            outputs.subspan(static_cast<size_t>((member * count + sample) * units), static_cast<size_t>(units));
        if (all_finite(output)) visit(first + sample, output);
      }
  });
}

io::Tensor every_output(Predictor& predictor, int64_t members, const Dataset& data, int64_t units) {
  const Shape shape = with_leading({members, data.samples}, data.output);
  io::checked_bytes(shape, 4, "the predictions of all members");
  std::vector<float> all(static_cast<size_t>(members * data.samples * units));
  predictor.run(data, [&](int64_t first, int64_t count, std::span<const float> outputs) {
    for (int64_t member = 0; member < members; ++member)
      std::copy_n(outputs.begin() + member * count * units, count * units,
                  all.begin() + (member * data.samples + first) * units);
  });
  return io::make_tensor(shape, all);
}

io::Tensor mean_output(Predictor& predictor, const Model& model, int64_t members, const Dataset& data, int64_t units) {
  std::vector<double> sums(static_cast<size_t>(data.samples * units), 0.0);
  std::vector<int64_t> counted(static_cast<size_t>(data.samples), 0);
  const bool softmax = has_labels(model);
  for_each_finite(predictor, data, members, units, [&](int64_t sample, std::span<const float> output) {
    add_output(output, softmax, sums.data() + sample * units);
    ++counted[static_cast<size_t>(sample)];
  });
  std::vector<float> mean(sums.size());
  for (size_t i = 0; i < mean.size(); ++i)  // no member at all: 0 / 0, not a number
    mean[i] = static_cast<float>(sums[i] / static_cast<double>(counted[i / static_cast<size_t>(units)]));
  return io::make_tensor(with_leading({data.samples}, data.output), mean);
}

io::Tensor votes(Predictor& predictor, const Model& model, int64_t members, const Dataset& data, int64_t units) {
  if (!has_labels(model))
    throw SpecError("--ensemble", "a vote needs a model with class labels (loss cross_entropy); expected mean or none");
  std::vector<int64_t> counts(static_cast<size_t>(data.samples * units), 0);
  for_each_finite(predictor, data, members, units, [&](int64_t sample, std::span<const float> output) {
    ++counts[static_cast<size_t>(sample * units + (std::max_element(output.begin(), output.end()) - output.begin()))];
  });
  std::vector<int32_t> winners;
  for (auto at = counts.begin(); at != counts.end(); at += units)
    winners.push_back(static_cast<int32_t>(std::max_element(at, at + units) - at));
  return io::make_tensor({data.samples}, winners);
}

}  // namespace

std::optional<Ensemble> find_ensemble(std::string_view name) {
  if (name == "none") return Ensemble::none;
  if (name == "mean") return Ensemble::mean;
  if (name == "vote") return Ensemble::vote;
  return std::nullopt;
}

io::Tensor predict(Predictor& predictor, const Model& model, int64_t members, const Dataset& data, Ensemble ensemble) {
  const int64_t units = element_count(data.output);
  switch (ensemble) {
    case Ensemble::none: return every_output(predictor, members, data, units);
    case Ensemble::mean: return mean_output(predictor, model, members, data, units);
    case Ensemble::vote: return votes(predictor, model, members, data, units);
  }
  throw InternalError("internal error: an ensemble that is none");
}

Scores ensemble_scores(const Model& model, const Dataset& data, const io::Tensor& mean) {
  check(model.loss != nullptr && data.has_targets(), "ensemble_scores: no targets");
  // The loss and the metrics are graphs; the evaluator runs them in double. Members' own values of hyperparameters of
  // the loss have no meaning here, so its constants are used.
  const bool labels = has_labels(model);
  Graph graph;
  graph.batch = data.samples;
  Scope scope(graph);
  const Varies over_sample{.member = false, .sample = true};
  const Value prediction = scope.input("prediction", Role::input, data.output, over_sample);
  const Value target =
      scope.input("target", Role::input, labels ? Shape{} : data.output, over_sample, labels ? DType::i32 : DType::f32);
  const Hyper constants(scope, "loss", *model.loss, {});
  scope.output("loss", mean_samples(model.loss->expand(scope, constants, prediction, target)));
  for (const auto& metric : model.metrics)
    scope.output(metric->info().name, mean_samples(metric->expand(scope, prediction, target, model.loss->target())));

  Evaluation evaluation;
  std::vector<double>& values = evaluation.inputs["prediction"].values;
  for (const float value : io::to_float(mean, "prediction"))
    // Probabilities become logits again; the least one keeps the loss of an impossible class finite.
    values.push_back(labels ? std::log(std::max(static_cast<double>(value), 1e-300)) : static_cast<double>(value));
  std::vector<double>& wanted = evaluation.inputs["target"].values;
  if (labels)
    wanted.assign(data.labels.begin(), data.labels.end());
  else
    wanted.assign(data.targets.begin(), data.targets.end());
  const std::map<std::string, Array> results = evaluate(graph, evaluation);
  Scores scores;
  for (const auto& output : graph.outputs) {
    scores.names.push_back(output.name);
    scores.values.push_back({static_cast<float>(results.at(output.name).values.at(0))});
  }
  return scores;
}

}  // namespace shoal::runtime
