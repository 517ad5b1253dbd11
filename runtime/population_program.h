// A program compiled and loaded for a population, with the arrays that are its own: data, inputs, order, outputs.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "compiler/programs/programs.h"
#include "runtime/population.h"

namespace shoal::runtime {

class PopulationProgram {
 public:
  // Compiles and loads; arrays of the population that this program is the first to use are made, with zeros.
  // `schedule` empty: chosen. Throws what compile() and Device::load() throw.
  PopulationProgram(Population&, Program, const std::string& schedule, Trace* = nullptr);

  const Module& module() const { return module_; }
  const Program& program() const { return program_; }
  const LoadReport& load_report() const { return report_; }
  double compile_seconds() const { return compile_seconds_; }  // graph to source; report().seconds is source to code

  bool has(const std::string& name) const { return arrays_.count(name) != 0; }
  PopulationArray& array(const std::string& name);  // one of the program's own

  void launch(int64_t steps = 1, int64_t first_step = 0);

 private:
  Population& population_;
  Program program_;
  Module module_;
  double compile_seconds_ = 0;
  LoadReport report_;
  std::unique_ptr<Executable> executable_;
  std::map<std::string, std::unique_ptr<PopulationArray>> arrays_;
};

}  // namespace shoal::runtime
