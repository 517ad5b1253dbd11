// Training: a population trained on a data set, many steps a launch, with history, divergence watch and checkpoints.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/dataset.h"
#include "runtime/io/checkpoint.h"
#include "runtime/kernel_cache.h"
#include "runtime/population_program.h"
#include "runtime/training_evaluator.h"
#include "runtime/training_history.h"
#include "runtime/training_length.h"
#include "runtime/training_vary.h"

namespace shoal::runtime {

struct TrainingSettings {
  int64_t members = 1, first_member = 0;
  uint64_t seed = 0;
  int64_t batch = 32;
  int64_t epochs = 0, steps = 0;  // steps > 0 counts, else epochs
  int64_t report_every = 0;       // epochs between rows of the history; 0: see training_length.h
  int64_t steps_per_launch = 0;   // 0: to the next report, but about launch_seconds at most. Never changes results
  double launch_seconds = 0.5;
  std::string schedule;  // empty: chosen
  // With an empty schedule: the best few are measured, and the fastest is taken and remembered here (tune.h). Must
  // outlive the Training's constructor.
  KernelCache* tune = nullptr;
  std::vector<VariedHyperparameter> varied;
  std::vector<io::NamedTensor> initial;  // parameters to start from; empty: by the initializers
  std::string initial_place = "init";    // for messages
  std::optional<io::Tensor> order;       // i32 [members, steps, batch] of sample indices; absent: shuffled
  std::string order_place = "order";
};

// Told how training goes, between launches.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  virtual void launched(int64_t /*step*/, int64_t /*total*/) {}
  virtual void reported(const History&) {}  // the last row is new
};

// How far a checkpoint is, readable before anything is compiled.
struct CheckpointSummary {
  int64_t step = 0, members = 0;
  std::string device, schedule;  // resuming is bitwise the same with these
};
CheckpointSummary summarize(const io::Checkpoint&, const std::string& place);

class Training {
 public:
  // Checks, compiles, allocates, and initialises the population. `validation` may be null. The datasets are copied to
  // the device and not needed afterwards. Throws SpecError, CompileError, RuntimeError.
  Training(Device&, const Model&, const Dataset& train, const Dataset* validation, const TrainingSettings&,
           Trace* = nullptr);

  // Trains until the end (true), or until *stop is set (false: checkpoint() then holds the middle of the run).
  bool run(TrainingObserver&, const std::atomic<bool>* stop = nullptr);

  // Everything needed to go on exactly from here. restore throws SpecError at `place` when the checkpoint is of another
  // network, population or data.
  io::Checkpoint checkpoint() const;
  void restore(const io::Checkpoint&, const std::string& place);

  int64_t step() const { return step_; }
  const TrainingLength& length() const { return length_; }
  double training_seconds() const { return training_seconds_; }  // in launches of the train program, all runs together
  const History& history() const { return history_; }
  MemberTable members() const;  // scores of the last report; prefixes "train_" and "validation_"
  std::vector<io::NamedTensor> parameters() const { return population_.parameters(program_->program().parameters); }
  Population& population() { return population_; }
  const PopulationProgram& program() const { return *program_; }
  const std::string& tuning() const { return tuning_; }  // tune's report; empty when nothing was tuned
  const Evaluator* evaluator() const { return evaluator_.get(); }

 private:
  void set_order(const Dataset&);
  void report();
  int64_t next_launch_steps() const;
  std::string fingerprint() const;

  Model model_;
  TrainingSettings settings_;
  TrainingLength length_;
  Population population_;
  std::unique_ptr<PopulationProgram> program_;
  std::string tuning_;
  std::unique_ptr<Evaluator> evaluator_;
  std::string data_hash_;
  std::vector<std::vector<float>> varied_;  // [hyperparameter][member]
  int64_t step_ = 0, period_start_ = 0;
  double training_seconds_ = 0, seconds_per_step_ = 0;
  History history_;
  Scores last_scores_;
  std::vector<int32_t> diverged_at_;
};

}  // namespace shoal::runtime
