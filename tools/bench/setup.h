// A population with random data and one program of it, ready to run.
#pragma once

#include <memory>
#include <string>

#include "compiler/programs/programs.h"
#include "frontend/json/spec.h"
#include "runtime/device.h"
#include "runtime/population.h"
#include "runtime/population_program.h"
#include "tools/bench/works.h"

namespace shoal::bench {

// The program that a work measures.
Program program_of(const Work&, const Spec&);

struct Setup {
  runtime::Population population;
  runtime::PopulationProgram program;

  // The device must outlive it. `schedule` empty: chosen.
  Setup(Device&, int64_t members, Program, const std::string& schedule);
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;
  void reset();  // random parameters and data, zeros for the rest: the same every time

 private:
  void fill(const Argument&, runtime::PopulationArray&);
};

}  // namespace shoal::bench
