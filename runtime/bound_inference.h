// Every member's outputs for inputs that stand in memory of somebody else, started and not waited for.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "compiler/programs/network.h"
#include "runtime/population_program.h"

namespace shoal::runtime {

class BoundInference {
 public:
  // x: [members, batch, input...]; with stride 0 along members all get the same input. y: [members, batch, output...].
  // Compiles, and allocates everything that start() needs. Throws SpecError at "x" or "y".
  BoundInference(Population&, const Model&, const StridedView& x, const StridedView& y,
                 const std::string& schedule = "", Trace* = nullptr);
  std::unique_ptr<Ticket> start() { return program_.start(); }
  // The hidden states of stateful layers become zeros again: all, or those of some members. Waits for what was started.
  void reset();
  void reset(std::span<const int64_t> members);
  const PopulationProgram& program() const { return program_; }

 private:
  PopulationProgram program_;
  int64_t members_;
  std::vector<PopulationArray*> states_;
};

}  // namespace shoal::runtime
