// Evaluator: loss and metrics of every member on one data set.
#pragma once

#include "runtime/dataset.h"
#include "runtime/population_program.h"
#include "runtime/training_history.h"

namespace shoal::runtime {

// Copies data.x and data.y into the program's arrays.
void set_data(PopulationProgram&, const Dataset&);

class Evaluator {
 public:
  Evaluator(Population&, const Model&, const Dataset&, const std::string& schedule = "", Trace* = nullptr);
  // Of evaluate(model, the data's number of samples), compiled before.
  Evaluator(Population&, const Model&, const Dataset&, CompiledProgram);
  Scores run();  // "loss", then the metrics
  const PopulationProgram& program() const { return program_; }

 private:
  PopulationProgram program_;
  std::vector<std::string> names_;
};

// "loss" and the names of the metrics.
std::vector<std::string> score_names(const Model&);

}  // namespace shoal::runtime
