// Prediction: the outputs of every member for some samples, and what the population says together.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/dataset.h"
#include "runtime/population_program.h"
#include "runtime/training_history.h"

namespace shoal::runtime {

class Predictor {
 public:
  // `batch` samples a launch; 0: what keeps a launch's output moderate. Makes no initial values: parameters that the
  // population does not hold yet are zeros, to be set afterwards.
  Predictor(Population&, const Model&, int64_t samples, const std::string& schedule = "", int64_t batch = 0,
            Trace* = nullptr);

  // Called for each launch with its first sample, its count and [members, count, units].
  using Consumer = std::function<void(int64_t first_sample, int64_t count, std::span<const float> outputs)>;
  void run(const Dataset&, const Consumer&);

  const PopulationProgram& program() const { return program_; }

 private:
  PopulationProgram program_;
  int64_t members_, batch_, units_;
};

enum class Ensemble : uint8_t { none, mean, vote };
std::optional<Ensemble> find_ensemble(std::string_view name);

// none: f32 [members, N, output...].
// mean: f32 [N, output...]. Models with class labels: the mean of the members' softmax, else of their outputs.
// vote: i32 [N], the class that most members choose, of equals the lowest. Only for models with class labels.
// A member whose output for a sample is not finite is left out of that sample's mean and vote.
io::Tensor predict(Predictor&, const Model&, int64_t members, const Dataset&, Ensemble);

// Loss and metrics of the ensemble's mean on a dataset with targets, one value for each name.
Scores ensemble_scores(const Model&, const Dataset&, const io::Tensor& mean);

}  // namespace shoal::runtime
