// Compiling, loading and launching a program with the arrays of a population.
#include "runtime/population_program.h"

#include <limits>
#include <utility>
#include <vector>

#include "compiler/support/error.h"

namespace shoal::runtime {

PopulationProgram::PopulationProgram(Population& population, Program program, const std::string& schedule, Trace* trace)
    : PopulationProgram(
          population, compile_program(population.device(), population.members(), std::move(program), schedule, trace)) {
}

PopulationProgram::PopulationProgram(Population& population, CompiledProgram compiled)
    : population_(population), compiled_(std::move(compiled)) {
  check(module().members == population.members(), "a program for {} members and a population of {}", module().members,
        population.members());
  for (const Argument& argument : module().arguments) {
    if (Population::owns(argument)) {
      population.array(argument, module().member_multiple);
      continue;
    }
    const ArgumentLayout layout = layout_of(argument, population.members(), module().member_multiple);
    auto made = std::make_unique<PopulationArray>(population.device(), argument.name, layout);
    check(arrays_.emplace(argument.name, std::move(made)).second, "two arguments are called {}", argument.name);
  }
}

PopulationArray& PopulationProgram::array(const std::string& name) {
  const auto found = arrays_.find(name);
  check(found != arrays_.end(), "the {} program has no array {}", program_kind_name(program().kind), name);
  return *found->second;
}

void PopulationProgram::launch(int64_t steps, int64_t first_step) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  check(steps >= 1 && first_step >= 0 && first_step + steps <= most, "launch of {} steps from {}", steps, first_step);
  std::vector<DeviceBuffer*> buffers;
  for (const Argument& argument : module().arguments)
    buffers.push_back(Population::owns(argument) ? population_.array(argument, module().member_multiple).buffer()
                                                 : arrays_.at(argument.name)->buffer());
  std::vector<int32_t> scalars;
  for (const std::string& name : module().scalars) {
    check(name == "steps" || name == "first_step", "the kernel has an unknown scalar {}", name);
    scalars.push_back(static_cast<int32_t>(name == "steps" ? steps : first_step));
  }
  compiled_.executable->launch(buffers, scalars);
}

}  // namespace shoal::runtime
