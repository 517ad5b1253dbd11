// Compiling, loading and launching a program with the arrays of a population.
#include "runtime/population_program.h"

#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "compiler/support/error.h"

namespace shoal::runtime {

PopulationProgram::PopulationProgram(Population& population, Program program, const std::string& schedule, Trace* trace)
    : population_(population), program_(std::move(program)) {
  const auto start = std::chrono::steady_clock::now();
  Options options;
  options.members = population.members();
  options.schedule = schedule;
  module_ = compile(program_.graph, population.device().target(), options, trace);
  compile_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  executable_ = population.device().load(module_, &report_);
  for (const Argument& argument : module_.arguments) {
    if (Population::owns(argument)) {
      population.array(argument, module_.member_multiple);
      continue;
    }
    const ArgumentLayout layout = layout_of(argument, population.members(), module_.member_multiple);
    auto made = std::make_unique<PopulationArray>(population.device(), argument.name, layout);
    check(arrays_.emplace(argument.name, std::move(made)).second, "two arguments are called {}", argument.name);
  }
}

PopulationArray& PopulationProgram::array(const std::string& name) {
  const auto found = arrays_.find(name);
  check(found != arrays_.end(), "the {} program has no array {}", program_kind_name(program_.kind), name);
  return *found->second;
}

void PopulationProgram::launch(int64_t steps, int64_t first_step) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  check(steps >= 1 && first_step >= 0 && first_step + steps <= most, "launch of {} steps from {}", steps, first_step);
  std::vector<DeviceBuffer*> buffers;
  for (const Argument& argument : module_.arguments)
    buffers.push_back(Population::owns(argument) ? population_.array(argument, module_.member_multiple).buffer()
                                                 : arrays_.at(argument.name)->buffer());
  std::vector<int32_t> scalars;
  for (const std::string& name : module_.scalars) {
    check(name == "steps" || name == "first_step", "the kernel has an unknown scalar {}", name);
    scalars.push_back(static_cast<int32_t>(name == "steps" ? steps : first_step));
  }
  executable_->launch(buffers, scalars);
}

}  // namespace shoal::runtime
