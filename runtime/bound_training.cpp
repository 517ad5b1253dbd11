// Launches of a training that nobody waits for: their length follows from what earlier ones took.
#include "runtime/bound_training.h"

#include <algorithm>

#include "compiler/support/error.h"
#include "runtime/member_values.h"
#include "runtime/training_evaluator.h"
#include "runtime/training_length.h"

namespace shoal::runtime {
namespace {

constexpr int64_t most_growth = 4;  // of launches, while none of them has ended

void expect_rows(const StridedView& view, const std::string& name, int64_t samples, const Shape& unit) {
  verify(view, name);
  Shape expected{samples};
  expected.insert(expected.end(), unit.begin(), unit.end());
  if (view.shape != expected)
    throw SpecError(name, fmt::format("expected a view of shape {} [samples, ...], got {}", io::shape_text(expected),
                                      io::shape_text(view.shape)));
}

Model with_varied(Model model, const std::vector<VariedHyperparameter>& varied) {
  for (const VariedHyperparameter& one : varied)
    if (std::find(model.varied.begin(), model.varied.end(), one.name) == model.varied.end())
      model.varied.push_back(one.name);
  return model;
}

PopulationProgram make_program(Population& population, const Model& model, const StridedView& x, const StridedView& y,
                               const BoundTrainingSettings& settings, Trace* trace) {
  if (!model.loss) throw SpecError("/loss", "expected a loss to train with");
  if (!model.optimizer) throw SpecError("/optimizer", "expected an optimizer to train with");
  const int64_t samples = x.shape.empty() ? 0 : x.shape[0];
  expect_rows(x, "x", samples, model.network.input);
  const bool labels = model.loss->target() == TargetKind::label;
  expect_rows(y, "y", samples, labels ? Shape{} : output_shape(model.network));
  TrainOptions options;
  options.samples = samples;
  options.batch = settings.batch;
  return PopulationProgram(population, train(model, options, trace), settings.schedule, trace,
                           {{"data.x", x}, {"data.y", y}});
}

}  // namespace

BoundTraining::BoundTraining(Population& population, const Model& model, const StridedView& x, const StridedView& y,
                             const BoundTrainingSettings& settings, Trace* trace)
    : population_(population),
      model_(with_varied(model, settings.varied)),
      settings_(settings),
      program_(make_program(population, model_, x, y, settings, trace)),
      step_(settings.first_step),
      scored_step_(step_) {
  set_member_values(population, settings.varied,
                    varied_values(settings.varied, settings.seed, population.first_member(), population.members()),
                    settings.seed);
  clear_sums();
}

void BoundTraining::clear_sums() {
  for (const std::string& name : score_names(model_)) population_.array(name + "_sum").write_zeros();
}

// Learns from the launches that have ended; never waits.
void BoundTraining::measure() {
  while (!running_.empty() && running_.front().first->ready()) {
    auto& [ticket, steps] = running_.front();
    seconds_per_step_ = std::max(ticket->seconds(), 1e-9) / static_cast<double>(steps);
    running_.pop_front();
  }
}

int64_t BoundTraining::next_launch_steps(int64_t wanted, int64_t unmeasured) const {
  if (seconds_per_step_ <= 0) return std::min(wanted, unmeasured);
  const double affordable = settings_.launch_seconds / seconds_per_step_;
  if (affordable >= static_cast<double>(wanted)) return wanted;
  return std::max<int64_t>(1, static_cast<int64_t>(affordable));
}

std::shared_ptr<Ticket> BoundTraining::start(int64_t steps) {
  if (steps < 1) throw SpecError("steps", fmt::format("expected a positive integer, got {}", steps));
  const int64_t first = unmeasured_steps(program_.module().per_step.flops, settings_.launch_seconds);
  int64_t unmeasured = first;
  std::shared_ptr<Ticket> last;
  while (steps > 0) {
    measure();
    const int64_t now = next_launch_steps(steps, unmeasured);
    last = program_.start(now, step_);
    running_.emplace_back(last, now);
    step_ += now;
    steps -= now;
    unmeasured = std::min(unmeasured * 2, first * most_growth);
  }
  return last;
}

Scores BoundTraining::scores() {
  Scores scores;
  const auto steps = static_cast<double>(step_ - scored_step_);
  if (steps == 0) throw SpecError("scores", "no step was taken since they were asked for last");
  for (const std::string& name : score_names(model_)) {
    std::vector<float> means = population_.array(name + "_sum").read<float>();
    for (float& value : means) value = static_cast<float>(static_cast<double>(value) / steps);
    scores.names.push_back(name);
    scores.values.push_back(std::move(means));
  }
  clear_sums();
  scored_step_ = step_;
  return scores;
}

}  // namespace shoal::runtime
