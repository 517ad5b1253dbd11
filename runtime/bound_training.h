// Training on samples that stand in memory of somebody else, started and not waited for.
#pragma once

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "compiler/programs/network.h"
#include "runtime/population_program.h"
#include "runtime/training_history.h"
#include "runtime/training_vary.h"

namespace shoal::runtime {

struct BoundTrainingSettings {
  int64_t batch = 32;
  uint64_t seed = 0;
  int64_t first_step = 0;       // steps that the population has taken before
  double launch_seconds = 0.5;  // what a launch takes at most, by what the ones before it took
  std::string schedule;         // empty: chosen
  std::vector<VariedHyperparameter> varied;
};

class BoundTraining {
 public:
  // x: [N, input...], y: [N] (i32 classes) or [N, output...], as the loss wants it. Read in every launch. Compiles, and
  // allocates everything that start() needs; writes hyperparameters and order keys. Throws SpecError at "x" or "y".
  BoundTraining(Population&, const Model&, const StridedView& x, const StridedView& y, const BoundTrainingSettings&,
                Trace* = nullptr);

  // Starts the next `steps` steps of every member, in as many launches as keep each one short. The ticket is the last
  // launch's.
  std::shared_ptr<Ticket> start(int64_t steps);
  int64_t step() const { return step_; }  // started so far
  // Mean loss and metrics of each member since the last call. Waits for what was started.
  Scores scores();
  const PopulationProgram& program() const { return program_; }

 private:
  int64_t next_launch_steps(int64_t wanted, int64_t unmeasured) const;
  void measure();
  void clear_sums();

  Population& population_;
  Model model_;
  BoundTrainingSettings settings_;
  PopulationProgram program_;
  int64_t step_, scored_step_;
  double seconds_per_step_ = 0;
  std::deque<std::pair<std::shared_ptr<Ticket>, int64_t>> running_;  // with their steps; to learn how long steps take
};

}  // namespace shoal::runtime
