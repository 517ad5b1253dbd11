// Every member's outputs for inputs that stand in memory of somebody else, started and not waited for.
#pragma once

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
  const PopulationProgram& program() const { return program_; }

 private:
  PopulationProgram program_;
};

}  // namespace shoal::runtime
